/** Operations on commits, updates and bundles (docs/protocol.md, 6). */
import { type Bytes, equal, fromHex, hex } from '../../../src/bytes.ts';
import { isPassportError, type PassportError } from '../../../src/errors.ts';
import { authenticateBundle, openBlocks, openBundle, splitBundle, verifyCommit } from '../../../src/format/bundle.ts';
import { MAX_HEADER_BYTES, type ParsedHeader, parseHeader } from '../../../src/format/commit.ts';
import { parseUpdate, splitBlock, updateId } from '../../../src/format/update.ts';
import { merkleRoot } from '../../../src/records/merkle.ts';
import { keyOfDevice, type RegistryView } from '../../../src/records/registry-view.ts';
import { type Input, type Operation, refuse } from '../schema.ts';
import { whyClosed } from './object.ts';

/** The layer of a `malformed` header, by the rule that its message names. */
function layerOfHeader(error: PassportError): string {
  return error.message.endsWith('the commit before is not among its heads') ? 'order' : 'parse';
}

/** `parseHeader`, with the layer in place of its one code. */
export function headerOf(pid: Bytes, bytes: Bytes): ParsedHeader {
  if (bytes.length > MAX_HEADER_BYTES) {
    if (!isMalformed(() => parseHeader(pid, bytes))) throw new TypeError('a header that is too long was read');
    refuse('bound');
  }
  try {
    return parseHeader(pid, bytes);
  } catch (error) {
    if (!isPassportError(error, 'malformed')) throw error;
    return refuse(layerOfHeader(error));
  }
}

function isMalformed(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return isPassportError(error, 'malformed');
  }
}

function commitVerify(input: Input) {
  const pid = input.bytes('pid');
  const { id, chain, seq, count } = headerOf(pid, input.bytes('header'));
  if (input.has('signature') && !verifyCommit(input.bytes('signKey'), input.bytes('signature'), pid, id))
    refuse('signature');
  return { id, chain, seq, count };
}

export const blinded = (input: Input) => ({ blind: input.bytes('blind'), update: input.bytes('update') });

function block(input: Input) {
  const pid = input.bytes('pid');
  const { id, count, root } = headerOf(pid, input.bytes('header'));
  const updates = splitBlock(input.long('block'), count);
  if (updates.length !== count || !equal(merkleRoot(updates), root)) refuse('commitment');
  return {
    updates: updates.map(({ update }, index) => {
      const { key, op, type, value, reason } = parseUpdate(update);
      return { id: updateId(pid, id, index), key, op, type, value, reason };
    }),
  };
}

function update(input: Input) {
  const bytes = input.long('update');
  if (bytes.length > 1024 * 1024 + 4096) {
    if (!isMalformed(() => parseUpdate(bytes))) throw new TypeError('an update that is too long was read');
    refuse('bound');
  }
  const { key, op, type, value, reason } = parseUpdate(bytes);
  return { key, op, type, value: value.length <= 64 ? value : { length: value.length }, reason };
}

/** Entries as a vector says them: {id, epoch, time, devices: [[id, sign key]…], cuts: [[device, [commit id…]]…]}, by slot. */
export function registryView(entries: readonly Input[], keyOf?: (device: string) => Bytes): RegistryView {
  const slots = entries.map((entry) => ({
    id: entry.bytes('id'),
    epoch: entry.has('epoch') ? entry.number('epoch') : 0,
    time: entry.has('time') ? entry.number('time') : 0,
    devices: new Map(
      entry.list('devices').map((device): [string, Bytes] => {
        if (typeof device === 'string') return [device, keyOf!(device)];
        const [id, key] = device as [string, string];
        return [id, fromHex(key)];
      }),
    ),
    cuts: new Map((entry.has('cuts') ? entry.list('cuts') : []) as [string, string[]][]),
  }));
  const slotOf = (id: Bytes) => {
    const slot = slots.findIndex((entry) => equal(entry.id, id));
    return slot < 0 ? undefined : slot;
  };
  return {
    head: slots.at(-1)!.id,
    headSlot: slots.length - 1,
    slotOf,
    deviceKeyAt: (device, slot) => slots[slot]?.devices.get(hex(device)),
    cutOf: (device) => {
      const slot = slots.findIndex(({ cuts }) => cuts.has(hex(device)));
      return slot < 0 ? undefined : { slot, heads: slots[slot]!.cuts.get(hex(device))!.map(fromHex) };
    },
    suspended: () => false,
    timeOf: (id) => slots[slotOf(id) ?? -1]?.time,
    epochAt: (slot) => slots[slot]!.epoch,
  };
}

/** The order of checks of docs/protocol.md, 6, step by step; each step is the code of the devices. */
async function bundleOpen(input: Input) {
  const pid = input.bytes('pid');
  const bytes = input.long('bundle');
  const registry = registryView(input.objects('entries'));
  const meshLayerKey = input.bytes('meshLayerKey');
  if (bytes.length > 16 * 1024 * 1024 || (bytes.length >= 4 && u32(bytes) > 1024 * 1024)) {
    if (!isMalformed(() => splitBundle(bytes))) throw new TypeError('a bundle that is too large was read');
    refuse('bound');
  }
  const split = layered(() => splitBundle(bytes), BUNDLE_RULES);
  if (input.has('epoch') && split.epoch !== input.number('epoch')) refuse('context');
  const meshContext = {
    layer: 'mesh',
    epoch: split.epoch,
    key: meshLayerKey,
    pid,
    kind: 'commits',
    owner: pid,
    sequence: 0,
  };
  let claimed;
  try {
    claimed = await openBundle(split, pid, meshLayerKey);
  } catch (error) {
    if (isPassportError(error, 'decryption-failed')) return refuse(await whyClosed(meshContext as never, split.mesh));
    return refuse(ruleOf(error, BUNDLE_RULES));
  }
  const { parsed: start } = claimed.commits[0]!;
  const place = { chain: start.chain, first: start.seq, last: start.seq + claimed.commits.length - 1 };
  if (input.has('name')) {
    const name = input.object('name');
    const same = equal(name.bytes('chain'), place.chain) && name.number('first') === place.first;
    if (!same || name.number('last') !== place.last) refuse('context');
  }
  const slots = claimed.commits.map(({ parsed }) => registry.slotOf(parsed.registry));
  if (slots.includes(undefined) || split.epoch > registry.epochAt(registry.headSlot)) return { waits: 'registry' };
  const author = keyOfDevice(registry, start.device);
  const always = slots.every((slot) => registry.deviceKeyAt(start.device, slot!) !== undefined);
  if (author === undefined || (!always && registry.cutOf(start.device) === undefined)) refuse('context');
  const sealer = keyOfDevice(registry, claimed.sealer);
  if (sealer === undefined) return { waits: 'registry' };
  authenticateBundle(claimed, pid, sealer, author);
  const commits = claimed.commits.map(({ parsed }) => parsed.id);
  if (!input.has('vaultLayerKey')) return { ...place, sealer: claimed.sealer, commits };
  const key = input.bytes('vaultLayerKey');
  let blocks;
  try {
    blocks = await openBlocks(split, pid, key, start);
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    const context = {
      layer: 'vault',
      epoch: split.epoch,
      key,
      pid,
      kind: 'updates',
      owner: start.chain,
      sequence: start.seq,
    };
    return refuse(await whyClosed(context as never, split.vault));
  }
  const updates = claimed.commits.map(({ parsed }, i) => {
    if (parsed.count === 0) return [];
    const found = splitBlock(blocks[i] ?? refuse('commitment'), parsed.count);
    if (found.length !== parsed.count || !equal(merkleRoot(found), parsed.root)) refuse('commitment');
    return found.map((each, index) => [parseUpdate(each.update).key, updateId(pid, parsed.id, index)]);
  });
  return { ...place, sealer: claimed.sealer, commits, updates };
}

const u32 = (bytes: Bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

/** The rules that a bundle's errors name, with their layers; anything else of `malformed` is the form. */
const BUNDLE_RULES: Readonly<Record<string, string>> = {
  'bundle: its first part is not of the mesh layer': 'context',
  'bundle: its parts do not belong together': 'context',
  'bundle: its epoch is not that of its objects': 'context',
  'bundle: its vault part is another one': 'context',
  'bundle: its commits are not consecutive': 'order',
  'bundle: its vault part and its headers disagree': 'context',
  'commit header: the commit before is not among its heads': 'order',
};

function ruleOf(error: unknown, rules: Readonly<Record<string, string>>): string {
  if (!isPassportError(error, 'malformed')) throw error;
  return rules[error.message] ?? 'parse';
}

function layered<T>(run: () => T, rules: Readonly<Record<string, string>>): T {
  try {
    return run();
  } catch (error) {
    return refuse(ruleOf(error, rules));
  }
}

export const records: Record<string, Operation> = {
  'commit-verify': commitVerify,
  'merkle-root': (input) => ({ root: merkleRoot(input.objects('updates').map(blinded)) }),
  'block-open': block,
  'update-parse': update,
  'bundle-open': bundleOpen,
  'update-id': (input) => ({ id: updateId(input.bytes('pid'), input.bytes('commit'), input.number('index')) }),
};
