/**
 * Mail between two holders through the stores (docs/protocol.md, 7): sealed to the receiver's listed key and under a key that
 * only current devices have, signed inside, padded. Nothing in a mail is an authority by itself.
 */
import * as z from 'zod/mini';

import { type Bytes, bytesUint, concat, equal, hex, uintBytes } from '../bytes.ts';
import { encode, type Value } from '../cbor.ts';
import { hpkeOpen, hpkeSeal } from '../crypto/hpke.ts';
import { sha256 } from '../crypto/hash.ts';
import { mailPsk } from '../crypto/keys.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import { info } from '../crypto/statements.ts';
import type { Device, MemberView } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import { bytes16, decodeShaped, signature, someBytes } from '../format/schema.ts';
import { holderOf, type Member } from '../registry/state.ts';
import type { Tx } from '../replica/replica.ts';
import type { OutgoingMail } from '../sync/wanted.ts';

export const MAX_MAIL_BYTES = 64 * 1024;
const MAX_UNREAD_PER_SENDER = 32;
/** Mail that nobody fetched is no use after this. */
const MAIL_TTL_MS = 60 * 60 * 1000;

export type MailKind = 'unlock' | 'share' | 'refuse' | 'cancel' | 'drill' | 'drill-answer';

export interface Mail {
  readonly sender: Bytes;
  readonly kind: MailKind;
  readonly id: Bytes;
  readonly body: Bytes;
}

const schema = z.tuple([
  bytes16,
  bytes16,
  z.enum(['unlock', 'share', 'refuse', 'cancel', 'drill', 'drill-answer']),
  bytes16,
  someBytes(MAX_MAIL_BYTES),
  signature,
]);

function context(device: Device, epoch: number, mesh: Bytes, receiver: Bytes) {
  const { pid } = device;
  return {
    info: info(pid, 'mail', epoch, receiver),
    psk: mailPsk(pid, epoch, mesh),
    pskId: encode([pid, epoch]),
  };
}

type OutValue = [Bytes | string, string, number];

export async function outgoing(tx: Tx): Promise<readonly (OutgoingMail & { readonly expires: number })[]> {
  const value = ((await tx.get('mail-out')) ?? []) as OutValue[];
  return value.map(([to, hash, expires]) => ({
    to: typeof to === 'string' ? { tag: to } : { holder: to },
    hash,
    expires,
  }));
}

function setOutgoing(tx: Tx, mails: readonly (OutgoingMail & { readonly expires: number })[]): void {
  tx.set(
    'mail-out',
    mails.map(({ to, hash, expires }) => ['tag' in to ? to.tag : to.holder, hash, expires]),
  );
}

/** Keeps bytes for the stores under a mail name until `expires`. */
export async function post(tx: Tx, to: OutgoingMail['to'], bytes: Bytes, expires: number): Promise<string> {
  const hash = tx.addObject(bytes);
  setOutgoing(tx, [...(await outgoing(tx)), { to, hash, expires: Math.max(0, expires) }]);
  return hash;
}

/** Takes back what was posted: the objects leave the replica, and with the next sync the stores. */
export async function withdraw(
  tx: Tx,
  gone: (mail: OutgoingMail & { readonly expires: number }) => boolean,
): Promise<void> {
  const mails = await outgoing(tx);
  const leaving = mails.filter(gone);
  if (leaving.length === 0) return;
  for (const { hash } of leaving) tx.dropObject(hash);
  setOutgoing(
    tx,
    mails.filter((mail) => !leaving.includes(mail)),
  );
  await dropLater(
    tx,
    leaving.map(({ hash }) => hash),
  );
}

/** Hashes of mail objects to delete from the stores. */
export async function toDrop(tx: Tx): Promise<ReadonlySet<string>> {
  return new Set(((await tx.get('mail-drop')) ?? []) as string[]);
}

export async function dropLater(tx: Tx, hashes: readonly string[]): Promise<void> {
  tx.set('mail-drop', [...(await toDrop(tx)), ...hashes].slice(-512));
}

/** Returns the name hash of the object. */
export async function sendMail(
  device: Device,
  view: MemberView,
  to: Member,
  mail: Omit<Mail, 'sender'>,
): Promise<string> {
  const { state, secrets } = view;
  const epoch = state.epoch;
  const mesh = secrets.mesh.get(epoch) as Bytes;
  const sender = secrets.deviceId;
  const signed = signStatement(
    secrets.signSeed,
    device.pid,
    'mail',
    epoch,
    sender,
    to.id,
    mail.kind,
    mail.id,
    sha256(mail.body),
  );
  const plaintext = pad(encode([sender, to.id, mail.kind, mail.id, mail.body, signed]));
  const sealed = await hpkeSeal(to.receiveKey, context(device, epoch, mesh, to.id), plaintext, device.random);
  return post(view.tx, { holder: to.id }, concat(uintBytes(epoch, 4), sealed), device.env.clock.now() + MAIL_TTL_MS);
}

/** Opens a mail to this device; undefined for anything that is not one by a current device. */
export async function openMail(device: Device, view: MemberView, bytes: Bytes): Promise<Mail | undefined> {
  if (bytes.length < 4 || bytes.length > MAX_MAIL_BYTES) return undefined; // V185
  const { state, secrets } = view;
  const epoch = bytesUint(bytes.subarray(0, 4));
  const mesh = secrets.mesh.get(epoch);
  if (mesh === undefined) return undefined;
  const me = secrets.deviceId;
  for (const { privateKey } of secrets.receive) {
    try {
      const plaintext = await hpkeOpen(privateKey, context(device, epoch, mesh, me), bytes.slice(4));
      const [sender, receiver, kind, id, body, signed] = decodeShaped(schema, unpad(plaintext), 'a mail');
      const author = holderOf(state, sender);
      const good =
        author?.kind === 'device' &&
        equal(receiver, me) &&
        verifyStatement(author.signKey, signed, device.pid, 'mail', epoch, sender, receiver, kind, id, sha256(body));
      return good ? { sender, kind, id, body } : undefined; // V186
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return undefined;
}

type InValue = [Bytes, MailKind, Bytes, Bytes, number];

/** Mail that came and was not dealt with. */
export async function unread(tx: Tx): Promise<readonly (Mail & { readonly at: number })[]> {
  const value = ((await tx.get('mail-in')) ?? []) as InValue[];
  return value.map(([sender, kind, id, body, at]) => ({ sender, kind, id, body, at }));
}

/** `takenBack`: which kept mail this one takes the place of, so that settled unlocks fill up nobody's mail. */
export async function keepMail(
  tx: Tx,
  mail: Mail,
  now: number,
  takenBack: (kept: Mail) => boolean = () => false,
): Promise<void> {
  const all = (await unread(tx)).filter(({ at }) => now - at < 2 * MAIL_TTL_MS);
  const same = (other: Mail) =>
    other.kind === mail.kind && equal(other.id, mail.id) && equal(other.sender, mail.sender);
  if (all.some(same) || (await answered(tx)).has(hex(mail.id) + mail.kind)) return; // V187
  const rest = all.filter((kept) => !takenBack(kept));
  if (rest.filter(({ sender }) => equal(sender, mail.sender)).length >= MAX_UNREAD_PER_SENDER) return; // V188
  setUnread(tx, [...rest, { ...mail, at: Math.max(0, now) }]);
}

function setUnread(tx: Tx, mails: readonly (Mail & { readonly at: number })[]): void {
  tx.set(
    'mail-in',
    mails.map(({ sender, kind, id, body, at }): Value => [sender, kind, id, body, at]),
  );
}

/** Ids that were dealt with: the same mail, served again, says nothing. */
async function answered(tx: Tx): Promise<ReadonlySet<string>> {
  return new Set(((await tx.get('mail-done')) ?? []) as string[]);
}

export async function finishMail(tx: Tx, mail: Pick<Mail, 'id' | 'kind'>): Promise<void> {
  setUnread(
    tx,
    (await unread(tx)).filter((other) => !(other.kind === mail.kind && equal(other.id, mail.id))),
  );
  tx.set('mail-done', [...(await answered(tx)), hex(mail.id) + mail.kind].slice(-1024));
}
