/** Operations on what becomes of commits, and on which of several updates is shown (docs/protocol.md, 6). */
import { hex } from '../../../src/bytes.ts';
import { publicKeyOf } from '../../../src/crypto/sign.ts';
import { isPassportError } from '../../../src/errors.ts';
import { sealBundle, signCommit } from '../../../src/format/bundle.ts';
import type { ParsedHeader } from '../../../src/format/commit.ts';
import { encodeBlock } from '../../../src/format/update.ts';
import { applyReady, waitingCommits } from '../../../src/records/apply.ts';
import { isConflict, type Version, versionId } from '../../../src/records/buckets.ts';
import { pointOf, STATE } from '../../../src/records/chains.ts';
import { conflicts } from '../../../src/records/conflicts.ts';
import { indexReady } from '../../../src/records/indexing.ts';
import { Log } from '../../../src/records/log.ts';
import { Order } from '../../../src/records/order.ts';
import { receiveBundle } from '../../../src/records/receive.ts';
import type { RecordContext } from '../../../src/records/registry-view.ts';
import { openReplica, type Tx } from '../../../src/replica/replica.ts';
import { createMemoryJournal } from '../../../src/storage/memory-journal.ts';
import { seededRandom } from '../../helpers/random.ts';
import { type Input, type Operation, refuse } from '../schema.ts';
import { blinded, headerOf, registryView } from './records.ts';

interface Settled {
  readonly tx: Tx;
  readonly ctx: RecordContext;
  readonly parsed: readonly ParsedHeader[];
}

/**
 * A replica that heard of all commits of a vector, in their order. Signatures are not what these vectors are about: every device
 * has one key here, and each commit comes in a bundle of its own.
 */
async function settled<T>(input: Input, look: (made: Settled) => Promise<T>): Promise<T> {
  const pid = input.bytes('pid');
  const random = seededRandom('operations on records');
  const seed = random(32);
  const publicKey = publicKeyOf(seed);
  const registry = registryView(input.objects('entries'), () => publicKey);
  const [meshLayerKey, vaultLayerKey, device] = [random(32), random(32), new Uint8Array(16)];
  const ctx: RecordContext = {
    ...{ pid, device, signSeed: seed, registry, random },
    keys: { epoch: 0, meshLayerKey: () => meshLayerKey, vaultLayerKey: () => vaultLayerKey },
    clock: { now: () => 2 ** 50, monotonic: () => 0, bootId: () => 'boot', sleep: async () => undefined },
  };
  const replica = openReplica({ journal: createMemoryJournal(), localKey: random(32), pid, random });
  replica.useVault({ epoch: 0, key: vaultLayerKey, olderVault: () => undefined });
  const commits = input.objects('commits');
  const parsed = commits.map((commit) => headerOf(pid, commit.bytes('header')));
  for (const [i, commit] of commits.entries()) {
    const of = parsed[i]!;
    const bytes = commit.bytes('header');
    const updates = commit.has('updates') ? commit.objects('updates').map(blinded) : [];
    const bundle = await sealBundle({
      ...{ pid, epoch: 0, meshLayerKey, vaultLayerKey, sealer: of.device, signSeed: seed, random },
      commits: [{ header: bytes, parsed: of, signature: signCommit(seed, pid, of.id) }],
      blocks: [[encodeBlock(updates)]],
    });
    try {
      await replica.transact((tx) => receiveBundle(tx, ctx, bundle));
    } catch (error) {
      // Of an author that never was a device at the entry nothing is kept.
      if (!isPassportError(error, 'signature-invalid')) throw error;
      return refuse('context');
    }
  }
  await replica.transact(async (tx) => {
    await applyReady(tx, ctx);
    await indexReady(tx, ctx);
  });
  return replica.transact((tx) => look({ tx, ctx, parsed }));
}

/** What becomes of the last commit. */
function fate(input: Input) {
  return settled(input, async ({ tx, ctx, parsed }) => {
    const last = parsed.at(-1)!;
    const log = await Log.open(tx, ctx);
    const row = await log.chains.find(pointOf({ chain: last.chain, seq: last.seq, id: last.id }));
    if (row === undefined) return { fate: 'waits' };
    if (row.state === STATE.refused) {
      const slot = ctx.registry.slotOf(last.registry);
      const isDevice = slot !== undefined && ctx.registry.deviceKeyAt(last.device, slot) !== undefined;
      return refuse(isDevice ? 'order' : 'context');
    }
    if (row.state === STATE.quarantined) return refuse('revoked');
    if (row.state === STATE.applied) return { fate: 'applied' };
    const waits = (await waitingCommits(tx, ctx)).find(({ id }) => id === hex(last.id));
    if (waits === undefined) throw new TypeError('it waits for nothing');
    return { fate: 'waits' };
  });
}

async function ranked({ tx, ctx }: Settled, key: string): Promise<{ log: Log; versions: readonly Version[] }> {
  const log = await Log.open(tx, ctx);
  return { log, versions: await new Order(log).sort(await log.buckets.get(key)) };
}

function view(input: Input) {
  return settled(input, async (made) => {
    const { log, versions } = await ranked(made, input.text('key'));
    const { pid } = made.ctx;
    const order = new Order(log);
    const effs: [string, number][] = [];
    for (const { chain, seq, id } of made.parsed) {
      const row = await log.chains.find(pointOf({ chain, seq, id }));
      if (row?.state === STATE.applied) effs.push([hex(id), await order.eff(row)]);
    }
    const [found] = await conflicts(made.tx, made.ctx);
    if ((found !== undefined) !== isConflict(versions)) throw new TypeError('the conflict and the versions disagree');
    return { eff: effs, standing: versions.map((version) => versionId(pid, version)), conflict: found?.id ?? null };
  });
}

function winner(input: Input) {
  return settled(input, async (made) => {
    const { versions } = await ranked(made, input.text('key'));
    const ids = versions.map((version) => hex(versionId(made.ctx.pid, version)));
    if (ids.join() !== input.many('standing').map(hex).join()) return refuse('order');
    const [found] = await conflicts(made.tx, made.ctx);
    if (input.has('conflict') && found?.id !== input.text('conflict')) return refuse('order');
    return { winner: ids[0]! };
  });
}

export const order: Record<string, Operation> = {
  'commit-fate': fate,
  'view-order': view,
  'view-check': winner,
};
