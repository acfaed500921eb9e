/**
 * The inviting side of a pairing: one open invitation per device, ten minutes on the monotonic clock, its secrets in the
 * keystore until it is used, refused or over. The person types the words that the new device shows; then the change of
 * holders is asked for like any other (initiate.ts).
 */
import { type Bytes, concat, equal, hex } from '../bytes.ts';
import { decode, type Value } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { isReceiveKey, receiveKey } from '../crypto/hpke.ts';
import { holderId } from '../crypto/keys.ts';
import { isSigningKey } from '../crypto/sign.ts';
import type { Device, MemberView } from '../device/device.ts';
import { oneTime, withOneTime, withoutOneTime } from '../device/secrets.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { Holder } from '../format/entry.ts';
import { pairTag } from '../format/names.ts';
import {
  encodeInvitation,
  encodePairPlace,
  encodeReveal,
  type InvitationData,
  invitationLink,
  parseHello,
  parseInvitation,
  parsePairRole,
  parseReveal,
} from '../format/pairing.ts';
import { checkRole } from '../registry/messages.ts';
import { head, headSlot, holdersOf, type RegistryState } from '../registry/state.ts';
import { storePlaces } from '../sync/ledger.ts';
import type { Invitation, InviteOptions } from '../types.ts';
import { checkName } from './found.ts';
import { type ChangePlan, freshSeat, requirePolicy, startChange } from './initiate.ts';
import { type OwnChange, ownChange, setOwnChange } from './own-change.ts';
import { post, withdraw } from './mail.ts';
import {
  checkPossession,
  encodeRefusal,
  INVITATION_TTL_MS,
  normalWords,
  openPair,
  pairCommitment,
  pairResult,
  sealPair,
  signReveal,
} from './pairing.ts';
import type { SlotView } from './slot.ts';

export type InviteStage = 'open' | 'answered' | 'confirmed' | 'burnt';

/** The open invitation, as the cell `invitation` keeps it. */
export interface OpenInvitation {
  readonly data: InvitationData;
  readonly bytes: Bytes;
  readonly slot: number;
  readonly head: Bytes;
  readonly expires: number;
  readonly leaves: readonly Bytes[];
  readonly threshold: number;
  readonly stage: InviteStage;
  /** Plaintexts of M1 and M2 once they are fixed. */
  readonly hello: Bytes | null;
  readonly reveal: Bytes | null;
  /** Hash of the change that came of it. */
  readonly change: Bytes | null;
}

type Encoded = [Bytes, number, Bytes, number, Bytes[], number, InviteStage, Bytes | null, Bytes | null, Bytes | null];

export async function openInvitation({ tx }: Pick<MemberView, 'tx'>): Promise<OpenInvitation | undefined> {
  const value = (await tx.get('invitation')) as Encoded | null | undefined;
  if (!value) return undefined;
  const [bytes, slot, headId, expires, leaves, threshold, stage, hello, reveal, change] = value;
  return {
    data: parseInvitation(bytes),
    bytes,
    slot,
    head: headId,
    expires,
    leaves,
    threshold,
    stage,
    hello,
    reveal,
    change,
  };
}

function setInvitation({ tx }: Pick<MemberView, 'tx'>, i: OpenInvitation): void {
  tx.set('invitation', [
    i.bytes,
    i.slot,
    i.head,
    i.expires,
    [...i.leaves],
    i.threshold,
    i.stage,
    i.hello,
    i.reveal,
    i.change,
  ]);
}

/** Whose place the new device takes, and the threshold after it. */
function planOf(state: RegistryState, me: Bytes, options: InviteOptions): { leaves: Bytes[]; threshold: number } {
  const holders = holdersOf(state);
  let leaves: Bytes[] = [];
  if (options.replace !== undefined) {
    const found = holders.find((holder) => holder.name === options.replace);
    if (found === undefined) throw new PassportError('no-such-device', `there is no holder named "${options.replace}"`);
    if (equal(found.id, me)) {
      throw new PassportError('usage', 'a device cannot give its own place away', {
        hint: 'Invite on another device, or --add the new one here and revoke this one there.',
      });
    }
    leaves = [found.id];
  } else if (options.add !== true) {
    const kits = holders.filter((holder) => holder.kind === 'kit');
    const newest = kits[kits.length - 1];
    if (newest === undefined) {
      throw new PassportError('usage', 'there is no kit whose place the new device could take', {
        hint: 'Say --replace NAME, or --add to grow the mesh.',
      });
    }
    leaves = [newest.id];
  }
  const count = holders.length - leaves.length + 1;
  const least = Math.floor(count / 2) + 1;
  const threshold = options.threshold ?? Math.max(state.threshold, least);
  requirePolicy(threshold, count);
  return { leaves, threshold };
}

/** Makes an invitation; an earlier one that was not finished is burnt. */
export async function invite(device: Device, view: MemberView, options: InviteOptions): Promise<Invitation> {
  const { state, tx } = view;
  const { clock } = device.env;
  const plan = planOf(state, view.secrets.deviceId, options);
  await burn(device, view);
  const places = await storePlaces(tx);
  const ephemeral = receiveKey(device.random);
  const [nonce, secret, iid] = [device.bytes(32), device.bytes(32), device.bytes(16)];
  const secrets = await device.box.read(tx);
  const at = { slot: headSlot(state), head: head(state).id, holder: secrets.deviceId, signKey: secrets.signKey };
  const data: InvitationData = {
    ...{ pid: device.pid, iid, ephemeralKey: ephemeral.publicKey, secret },
    commitment: pairCommitment(device.pid, iid, at, nonce),
    stores: places.map(({ url, id }) => ({ url, id })),
  };
  const bytes = encodeInvitation(data);
  const deadline = clock.monotonic() + INVITATION_TTL_MS;
  const kept = concat(ephemeral.privateKey, nonce);
  await device.box.write(tx, withOneTime(secrets, { id: iid, bootId: clock.bootId(), deadline, secret: kept }));
  const expires = Math.max(0, clock.now()) + INVITATION_TTL_MS;
  setInvitation(view, {
    ...{ data, bytes, slot: at.slot, head: at.head, expires, ...plan, stage: 'open' as const },
    ...{ hello: null, reveal: null, change: null },
  });
  return { id: hex(iid), link: invitationLink(bytes), expires };
}

/** eA private and nA, while the invitation lives. */
function secretsOf(
  device: Device,
  view: MemberView,
  invitation: OpenInvitation,
): { ephemeral: Bytes; nonce: Bytes } | undefined {
  const { clock } = device.env;
  const kept = oneTime(view.secrets, invitation.data.iid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  return kept && { ephemeral: kept.slice(0, 32), nonce: kept.slice(32) };
}

/** Ends the open invitation: its secrets are destroyed, its messages taken back. */
export async function burn(device: Device, view: MemberView): Promise<void> {
  const open = await openInvitation(view);
  if (open === undefined) return;
  view.tx.set('invitation', null);
  const tags = new Set(([1, 2, 3, 4] as const).map((step) => pairTag(open.data.secret, step)));
  await withdraw(view.tx, ({ to }) => 'tag' in to && tags.has(to.tag) && to.tag !== pairTag(open.data.secret, 3));
  await device.box.write(view.tx, withoutOneTime(await device.box.read(view.tx), open.data.iid));
}

/** Tags of the messages that this device waits for. */
export function awaitedTags(invitation: OpenInvitation): ReadonlySet<string> {
  return new Set([pairTag(invitation.data.secret, 1), pairTag(invitation.data.secret, 4)]);
}

/** Takes a pairing message that a sync brought. Anything that does not verify says nothing. */
export async function receivePairing(device: Device, view: MemberView, tag: string, bytes: Bytes): Promise<void> {
  const open = await openInvitation(view);
  const kept = open && secretsOf(device, view, open);
  if (open === undefined || kept === undefined) return;
  try {
    if (tag === pairTag(open.data.secret, 1)) await receiveHello(device, view, open, kept, bytes);
    else await receiveRole(device, view, open, kept, bytes);
  } catch (error) {
    if (!isPassportError(error) || ['disk-full', 'journal-changed', 'home-unusable'].includes(error.code)) throw error;
  }
}

async function receiveHello(
  device: Device,
  view: MemberView,
  open: OpenInvitation,
  kept: { ephemeral: Bytes; nonce: Bytes },
  bytes: Bytes,
): Promise<void> {
  const { data } = open;
  const hI = sha256(open.bytes);
  const plaintext = await openPair(kept.ephemeral, data, 1, [hI], bytes);
  const hello = parseHello(plaintext);
  const good =
    checkPossession(device.pid, data.iid, hI, hello) &&
    isSigningKey(hello.signKey) &&
    (await isReceiveKey(hello.receiveKey));
  if (!good) return; // V200
  if (open.hello !== null) {
    // After the words were compared no other answer can come in, and the change with the first one may be decided any time.
    if (equal(open.hello, plaintext) || open.stage === 'confirmed') return;
    await tellRefused(device, view, open, 'pairing-contested');
    setInvitation(view, { ...open, stage: 'burnt' }); // V201
    return;
  }
  const { secrets } = view;
  const hM1 = sha256(plaintext);
  const { slot, head: at } = open;
  const shown = { nonce: kept.nonce, holder: secrets.deviceId, signKey: secrets.signKey, slot, head: at };
  const signature = signReveal(secrets.signSeed, device.pid, data.iid, hI, hM1, shown);
  const reveal = encodeReveal({ ...shown, signature });
  await post(
    view.tx,
    { tag: pairTag(data.secret, 2) },
    await sealPair(hello.receiveKey, data, 2, [hI, hM1], reveal, device.random),
    open.expires,
  );
  setInvitation(view, { ...open, stage: 'answered', hello: plaintext, reveal });
}

async function receiveRole(
  device: Device,
  view: MemberView,
  open: OpenInvitation,
  kept: { ephemeral: Bytes },
  bytes: Bytes,
): Promise<void> {
  if (open.stage !== 'confirmed' || open.hello === null || open.reveal === null) return;
  const { transcript } = result(device, open);
  const role = parsePairRole(await openPair(kept.ephemeral, open.data, 4, [transcript], bytes));
  const hello = parseHello(open.hello);
  const change = await ownChange(view, device.pid);
  if (change?.state !== 'open' || open.change === null || !equal(change.hash, open.change)) return;
  if (role.slot !== change.slot || !equal(role.prev, change.prev)) return; // V203
  if (!checkRole(device.pid, role.signature, change, hello, transcript)) return; // V204
  const holder = holderId(device.pid, hello.signKey);
  if (change.roles.some((known) => equal(known.holder, holder))) return;
  setOwnChange(view, { ...change, roles: [...change.roles, { holder, transcript, signature: role.signature }] });
}

function result(device: Device, open: OpenInvitation): { transcript: Bytes; words: string[] } {
  const [hello, reveal] = [open.hello as Bytes, open.reveal as Bytes];
  return pairResult(device.pid, open.bytes, hello, reveal, parseReveal(reveal).nonce, parseHello(hello).nonce);
}

async function tellRefused(
  device: Device,
  view: MemberView,
  open: OpenInvitation,
  code: 'words-mismatch' | 'pairing-contested' | 'refused',
): Promise<void> {
  if (open.hello === null || open.reveal === null) return;
  const { transcript } = result(device, open);
  const { receiveKey: to } = parseHello(open.hello);
  const sealed = await sealPair(to, open.data, 3, [transcript], encodeRefusal(code), device.random);
  await post(view.tx, { tag: pairTag(open.data.secret, 3) }, sealed, open.expires);
}

/** Who answered, for the person to see; undefined before. */
export function answerOf(open: OpenInvitation): { name: string; kind: string; platform: string } | undefined {
  if (open.hello === null || open.stage === 'burnt') return undefined;
  const { name, kind, platform } = parseHello(open.hello);
  return { name, kind, platform };
}

/** `no-such-request`, `expired`, `pairing-contested`: why an invitation cannot go on. */
export async function requireInvitation(device: Device, view: MemberView, id: string): Promise<OpenInvitation> {
  const open = await openInvitation(view);
  if (open === undefined || !hex(open.data.iid).startsWith(id.toLowerCase())) {
    throw new PassportError('no-such-request', 'there is no open invitation with this id', {
      hint: 'Make a new one: passport invite',
    });
  }
  if (open.stage === 'burnt') {
    throw new PassportError('pairing-contested', 'two devices answered this invitation, so it is void', {
      hint: 'Somebody else saw the link. Make a new invitation and show it to nobody else.',
    });
  }
  if (secretsOf(device, view, open) === undefined && open.stage !== 'confirmed') {
    throw new PassportError('expired', 'this invitation is over', {
      hint: 'It lasts ten minutes. Make a new one: passport invite',
    }); // V205
  }
  return open;
}

/** Compares the typed words; wrong ones burn the invitation and tell the other device. Returns false then. */
export async function confirmWords(device: Device, view: MemberView, id: string, typed: string): Promise<boolean> {
  const open = await requireInvitation(device, view, id);
  if (open.hello === null)
    throw new PassportError('waiting', 'nobody has answered this invitation yet', {
      hint: 'Run `passport join` with the link on the new device.',
    });
  const { words } = result(device, open);
  if (normalWords(typed) === words.join(' ')) {
    // V202
    setInvitation(view, { ...open, stage: 'confirmed' });
    return true;
  }
  await tellRefused(device, view, open, 'words-mismatch');
  await burn(device, view);
  return false;
}

/** Refuses the device that answered. */
export async function refusePairing(device: Device, view: MemberView): Promise<void> {
  const open = await openInvitation(view);
  if (open === undefined) return;
  await tellRefused(device, view, open, 'refused');
  await burn(device, view);
}

/** Asks for the change that lets the new device in, and tells it where to accept its role. */
export async function startEnroll(device: Device, view: MemberView, slot: SlotView, id: string): Promise<OwnChange> {
  const open = await requireInvitation(device, view, id);
  const hello = parseHello(open.hello as Bytes);
  const { transcript } = result(device, open);
  const { state } = view;
  const holder: Holder = {
    seat: freshSeat(state),
    id: holderId(device.pid, hello.signKey),
    kind: 'device',
    name: checkName(hello.name),
    signKey: hello.signKey,
    receiveKey: hello.receiveKey,
  };
  const plan: ChangePlan = { kind: 'holders', enters: [holder], leaves: open.leaves, threshold: open.threshold };
  const change = await startChange(device, view, slot, plan);
  const place = encodePairPlace({ slot: change.slot, prev: change.prev, request: change.bytes });
  const sealed = await sealPair(hello.receiveKey, open.data, 3, [transcript], place, device.random);
  await post(view.tx, { tag: pairTag(open.data.secret, 3) }, sealed, Math.max(open.expires, change.request.expiry));
  setInvitation(view, { ...open, change: change.hash });
  // The role may come after the ten minutes: the ephemeral key now lives as long as the request.
  const { clock } = device.env;
  const secrets = await device.box.read(view.tx);
  const kept = secrets.oneTime.find((key) => equal(key.id, open.data.iid));
  if (kept !== undefined) {
    const deadline = clock.monotonic() + INVITATION_TTL_MS * 2;
    await device.box.write(view.tx, withOneTime(secrets, { ...kept, deadline }));
  }
  return change;
}

/** After the change was decided: nothing of the invitation is needed any more. */
export async function finishInvitation(device: Device, view: MemberView, change: Bytes): Promise<void> {
  const open = await openInvitation(view);
  if (open?.change !== null && open !== undefined && equal(open.change, change)) await burn(device, view);
}

/** M3 as B sees it: the place of its role, or why there is none. */
export function readPairPlace(plaintext: Bytes): { refused: string } | { place: Bytes } {
  const value: Value = decode(plaintext);
  if (Array.isArray(value) && value.length === 2 && value[0] === 'refused' && typeof value[1] === 'string')
    return { refused: value[1] };
  return { place: plaintext };
}
