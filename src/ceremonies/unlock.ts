/**
 * Unlock (docs/protocol.md, 7): N shares and the passphrase to KEK_e, for a limited time. The shares come from this device,
 * from kits typed here, and by mail from devices whose person said yes. No byte derived from a share is sent for a request
 * that is unsigned, foreign, expired or replayed.
 */
import * as z from 'zod/mini';

import { type Bytes, equal, hex, wipe } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { hpkeOpen, hpkeSeal, receiveKey } from '../crypto/hpke.ts';
import { sha256 } from '../crypto/hash.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import { hash as hashOf, info } from '../crypto/statements.ts';
import type { Contribution } from '../crypto/share.ts';
import type { Device, MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import type { Passphrases } from '../device/passphrases.ts';
import { oneTime, withOneTime, withoutOneTime } from '../device/secrets.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { matchNumber } from '../format/entry.ts';
import {
  bytes16,
  bytes32,
  decodeShaped,
  fixedBytes,
  list,
  signature,
  someBytes,
  text,
  uint,
} from '../format/schema.ts';
import { SEALED_SHARE_BYTES } from '../format/votes.ts';
import { contributionOf, kekOf, vekOf } from '../registry/open.ts';
import { epochOf, head, headSlot, holderOf, holdersOf, type RegistryState } from '../registry/state.ts';
import { contribution, deviceOpener, kitOpener } from './grants.ts';
import { finishMail, type Mail, sendMail, unread, withdraw } from './mail.ts';

export const UNLOCK_TTL_MS = 10 * 60 * 1000;

const requestSchema = z.tuple([
  z.literal('unlock'),
  bytes16,
  bytes16,
  uint(),
  bytes32,
  uint(),
  bytes32,
  text(200),
  uint(),
  uint(),
  list(bytes16, 32),
]);
const bodySchema = z.tuple([someBytes(4096), signature]);
const answerSchema = z.tuple([bytes32, fixedBytes(SEALED_SHARE_BYTES), signature]);
const noteSchema = z.tuple([bytes32, signature]);

/** An unlock that another device asks for. */
export interface UnlockRequest {
  readonly rid: Bytes;
  readonly hash: Bytes;
  readonly initiator: Bytes;
  readonly slot: number;
  readonly head: Bytes;
  readonly epoch: number;
  readonly oneTimeKey: Bytes;
  readonly purpose: string;
  readonly ttlMs: number;
  readonly notAfter: number;
  readonly chosen: readonly Bytes[];
}

function requestHash(pid: Bytes, bytes: Bytes): Bytes {
  return hashOf(pid, 'unlock-request', sha256(bytes));
}

function parseUnlock(pid: Bytes, bytes: Bytes): UnlockRequest {
  const [, rid, initiator, slot, headId, epoch, oneTimeKey, purpose, ttlMs, notAfter, chosen] = decodeShaped(
    requestSchema,
    bytes,
    'an unlock',
  );
  return {
    rid,
    hash: requestHash(pid, bytes),
    initiator,
    slot,
    head: headId,
    epoch,
    oneTimeKey,
    purpose,
    ttlMs,
    notAfter,
    chosen,
  };
}

export function unlockNumber(pid: Bytes, request: Pick<UnlockRequest, 'hash'>): number {
  return matchNumber(pid, request.hash);
}

/** This device's own open unlock: its request as the cell `unlock` keeps it. */
export async function ownUnlock({ tx }: Pick<MemberView, 'tx'>, pid: Bytes): Promise<UnlockRequest | undefined> {
  const value = (await tx.get('unlock')) as [Bytes, string[]] | null | undefined;
  return value ? parseUnlock(pid, value[0]) : undefined;
}

/** Asks every other device; any N-1 of them (less the kits typed here) are enough. */
export async function askUnlock(
  device: Device,
  view: MemberView,
  purpose: string,
  ttlMs: number,
): Promise<UnlockRequest> {
  const { state, secrets, tx } = view;
  const { clock } = device.env;
  const others = holdersOf(state).filter((holder) => holder.kind === 'device' && !equal(holder.id, secrets.deviceId));
  const rid = device.bytes(16);
  const key = receiveKey(device.random);
  const notAfter = Math.max(0, clock.now()) + UNLOCK_TTL_MS;
  const me = secrets.deviceId;
  const bytes = encode([
    'unlock',
    rid,
    me,
    headSlot(state),
    head(state).id,
    state.epoch,
    key.publicKey,
    purpose,
    ttlMs,
    notAfter,
    others.map(({ id }) => id),
  ]);
  const deadline = clock.monotonic() + UNLOCK_TTL_MS;
  await device.box.write(
    tx,
    withOneTime(secrets, { id: rid, bootId: clock.bootId(), deadline, secret: key.privateKey }),
  );
  const body = encode([bytes, signStatement(secrets.signSeed, device.pid, 'unlock', sha256(bytes))]);
  const posted: string[] = [];
  for (const other of others) posted.push(await sendMail(device, view, other, { kind: 'unlock', id: rid, body }));
  tx.set('unlock', [bytes, posted]);
  return parseUnlock(device.pid, bytes);
}

/** Whether a mail takes back exactly this request: by its initiator, whose key this is, and signed with it. */
function isCancelOf(
  pid: Bytes,
  signKey: Bytes,
  mail: Mail,
  request: Pick<UnlockRequest, 'rid' | 'hash' | 'initiator'>,
): boolean {
  if (mail.kind !== 'cancel' || !equal(mail.id, request.rid) || !equal(mail.sender, request.initiator)) return false;
  try {
    const [ofRequest, signed] = decodeShaped(noteSchema, mail.body, 'a cancel');
    return (
      equal(ofRequest, request.hash) &&
      verifyStatement(signKey, signed, pid, 'unlock-cancel', request.rid, request.hash)
    ); // V228
  } catch (error) {
    if (!isPassportError(error)) throw error;
    return false;
  }
}

/** For `keepMail`: the kept mail that this one takes back, whose place it takes. */
export function takenBackBy(device: Device, { state }: MemberView, mail: Mail): (kept: Mail) => boolean {
  const author = holderOf(state, mail.sender);
  return (kept) => {
    if (author === undefined || mail.kind !== 'cancel' || kept.kind !== 'unlock') return false;
    try {
      const [bytes] = decodeShaped(bodySchema, kept.body, 'an unlock');
      const request = { rid: kept.id, initiator: kept.sender, hash: requestHash(device.pid, bytes) };
      return isCancelOf(device.pid, author.signKey, mail, request);
    } catch (error) {
      if (!isPassportError(error)) throw error;
      return false;
    }
  };
}

/** Requests by other devices that this one may answer now; the rest is dealt with as not there. */
export async function unlockRequests(device: Device, view: MemberView): Promise<UnlockRequest[]> {
  const { state, secrets, tx } = view;
  const mails = await unread(tx);
  const found: UnlockRequest[] = [];
  for (const mail of mails.filter(({ kind }) => kind === 'unlock')) {
    try {
      const [bytes, signed] = decodeShaped(bodySchema, mail.body, 'an unlock');
      const request = parseUnlock(device.pid, bytes);
      const author = holderOf(state, request.initiator);
      const answerable =
        author?.kind === 'device' &&
        equal(author.id, mail.sender) &&
        equal(mail.id, request.rid) &&
        verifyStatement(author.signKey, signed, device.pid, 'unlock', sha256(bytes)) &&
        request.epoch === state.epoch &&
        request.slot === headSlot(state) &&
        equal(head(state).id, request.head) &&
        request.chosen.some((id) => equal(id, secrets.deviceId)) &&
        request.notAfter > device.env.clock.now() &&
        request.notAfter <= mail.at + 2 * UNLOCK_TTL_MS &&
        !mails.some((other) => isCancelOf(device.pid, author.signKey, other, request));
      if (answerable) found.push(request); // V189
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return found;
}

function answerFields(pid: Bytes, request: UnlockRequest, holder: Bytes) {
  const common = [request.epoch, request.rid, request.hash, request.initiator, holder] as const;
  return { info: info(pid, 'unlock-share', ...common, request.oneTimeKey), common };
}

/** The person's yes: this device's share, sealed to the request's one-time key. */
export async function answerUnlock(device: Device, view: MemberView, request: UnlockRequest): Promise<void> {
  const { state, secrets, tx } = view;
  const me = secrets.deviceId;
  const to = holderOf(state, request.initiator);
  if (to === undefined) throw new PassportError('no-such-request', 'who asked is no holder any more');
  const { share } = await contribution(device, view, deviceOpener(view));
  const fields = answerFields(device.pid, request, me);
  const box = await hpkeSeal(request.oneTimeKey, { info: fields.info }, share, device.random);
  const signed = signStatement(secrets.signSeed, device.pid, 'unlock-answer', ...fields.common, sha256(box));
  await finishMail(tx, { id: request.rid, kind: 'unlock' });
  await sendMail(device, view, to, { kind: 'share', id: request.rid, body: encode([request.hash, box, signed]) });
}

export async function refuseUnlock(device: Device, view: MemberView, request: UnlockRequest): Promise<void> {
  const to = holderOf(view.state, request.initiator);
  await finishMail(view.tx, { id: request.rid, kind: 'unlock' });
  if (to === undefined) return;
  const signed = signStatement(view.secrets.signSeed, device.pid, 'unlock-refuse', request.rid, request.hash);
  await sendMail(device, view, to, { kind: 'refuse', id: request.rid, body: encode([request.hash, signed]) });
}

/**
 * Ends this device's own request, settled or not: its mail is taken back, its one-time key destroyed, and who has not answered
 * is told, so that nobody approves what nobody waits for.
 */
export async function endUnlock(device: Device, view: MemberView, request: UnlockRequest): Promise<void> {
  const { state, secrets, tx } = view;
  const posted = ((await tx.get('unlock')) as [Bytes, string[]] | null | undefined)?.[1] ?? [];
  const answered = (await unread(tx)).filter(({ id }) => equal(id, request.rid)).map(({ sender }) => sender);
  tx.set('unlock', null);
  await withdraw(tx, ({ hash }) => posted.includes(hash));
  for (const kind of ['share', 'refuse'] as const) await finishMail(tx, { id: request.rid, kind });
  const open = request.epoch === state.epoch && request.notAfter > device.env.clock.now();
  const signed = signStatement(secrets.signSeed, device.pid, 'unlock-cancel', request.rid, request.hash);
  const body = encode([request.hash, signed]);
  for (const id of open ? request.chosen : []) {
    const to = holderOf(state, id);
    if (to === undefined || answered.some((sender) => equal(sender, id))) continue;
    await sendMail(device, view, to, { kind: 'cancel', id: request.rid, body });
  }
  await device.box.write(tx, withoutOneTime(secrets, request.rid));
}

export interface Answers {
  readonly shares: readonly Contribution[];
  readonly refusedBy: readonly Bytes[];
}

/** The answers that came to this device's request: one valid one per chosen holder. */
export async function unlockAnswers(device: Device, view: MemberView, request: UnlockRequest): Promise<Answers> {
  const { state, secrets, tx } = view;
  const { clock } = device.env;
  const key = oneTime(secrets, request.rid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  const shares = new Map<string, Contribution>();
  const refusedBy: Bytes[] = [];
  if (key === undefined)
    throw new PassportError('expired', 'this unlock has expired', { hint: 'Ask again: passport unlock' }); // V194
  for (const mail of await unread(tx)) {
    const holder = holderOf(state, mail.sender);
    if (!equal(mail.id, request.rid) || holder === undefined || !request.chosen.some((id) => equal(id, holder.id)))
      continue; // V190
    try {
      if (mail.kind === 'refuse') {
        const [ofRequest, signed] = decodeShaped(noteSchema, mail.body, 'a refusal');
        const good = verifyStatement(holder.signKey, signed, device.pid, 'unlock-refuse', request.rid, request.hash);
        if (good && equal(ofRequest, request.hash)) refusedBy.push(holder.id); // V191
      }
      if (mail.kind !== 'share') continue;
      const [ofRequest, box, signed] = decodeShaped(answerSchema, mail.body, 'an answer');
      const fields = answerFields(device.pid, request, holder.id);
      if (!equal(ofRequest, request.hash)) continue; // V192
      if (!verifyStatement(holder.signKey, signed, device.pid, 'unlock-answer', ...fields.common, sha256(box)))
        continue; // V193
      const share = await hpkeOpen(key, { info: fields.info }, box);
      const given = contributionOf(epochOf(state), holder.id, share);
      if (given !== undefined) shares.set(hex(holder.id), given);
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return { shares: [...shares.values()], refusedBy };
}

/** Shares of this device and of the kits typed here. */
export async function sharesHere(device: Device, view: MemberView, kits: readonly KitHand[]): Promise<Contribution[]> {
  const shares = [await contribution(device, view, deviceOpener(view))];
  for (const kit of kits) shares.push(await contribution(device, view, kitOpener(kit)));
  return shares;
}

/** N shares and the passphrase to the KEK of the head's epoch. `not-enough-holders`, `wrong-passphrase`, `dealer-fault`. */
export async function openEpoch(
  pid: Bytes,
  state: RegistryState,
  shares: readonly Contribution[],
  passphrases: Passphrases,
): Promise<{ kek: Bytes; bad: readonly Bytes[] }> {
  const epoch = epochOf(state);
  const { vek, bad } = await vekOf(pid, epoch, shares);
  try {
    const key = await passphrases.current(epoch.salt, epoch.cost);
    if (key === undefined) throw new PassportError('wrong-passphrase', 'the passphrase is needed');
    return { kek: kekOf(pid, epoch, vek, key), bad };
  } finally {
    wipe(vek);
  }
}
