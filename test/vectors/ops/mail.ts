/**
 * Operations on mail and on what travels in it (docs/protocol.md, 7). The code of the devices says nothing about mail that does
 * not verify; here it is asked first, and then looked at step by step for the layer.
 */
import * as z from 'zod/mini';

import { type Bytes, bytesUint, equal, hex } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { openMail } from '../../../src/ceremonies/mail.ts';
import { drillDue } from '../../../src/ceremonies/drill-answers.ts';
import { type UnlockRequest, unlockAnswers, unlockNumber, unlockRequests } from '../../../src/ceremonies/unlock.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { hpkeOpen } from '../../../src/crypto/hpke.ts';
import { mailPsk } from '../../../src/crypto/keys.ts';
import { unpad } from '../../../src/crypto/padding.ts';
import { verifyStatement } from '../../../src/crypto/sign.ts';
import { hash, info } from '../../../src/crypto/statements.ts';
import { isPassportError } from '../../../src/errors.ts';
import type { Device, MemberView } from '../../../src/device/device.ts';
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
} from '../../../src/format/schema.ts';
import { type Input, type Operation, refuse } from '../schema.ts';

const MINUTE = 60_000;

/** The holders of now: {id, kind (0 device, 1 kit), signKey}. */
function holdersOf(input: Input) {
  return input.objects('holders').map((holder, i) => ({
    id: holder.bytes('id'),
    kind: holder.number('kind') === 0 ? ('device' as const) : ('kit' as const),
    signKey: holder.bytes('signKey'),
    ...{ seat: i + 1, left: null },
  }));
}

function cells(initial: Record<string, Value>): { tx: MemberView['tx']; map: Map<string, Value> } {
  const map = new Map(Object.entries(initial));
  const tx = { get: async (name: string) => map.get(name), set: (name: string, value: Value) => map.set(name, value) };
  return { tx: tx as unknown as MemberView['tx'], map };
}

const viewOf = (parts: object) => parts as unknown as MemberView;
const deviceOf = (pid: Bytes, now = 0) =>
  ({ pid, env: { clock: { now: () => now, monotonic: () => 0, bootId: () => 'boot' } } }) as unknown as Device;

const KINDS = ['unlock', 'share', 'refuse', 'cancel', 'drill', 'drill-answer'] as const;
const mailSchema = z.tuple([bytes16, bytes16, z.enum(KINDS), bytes16, someBytes(65_536), signature]);

async function open(input: Input) {
  const [pid, epoch, me] = [input.bytes('pid'), input.number('epoch'), input.bytes('receiver')];
  const [mesh, privateKey, mail] = [input.bytes('meshKey'), input.bytes('receivePrivate'), input.long('mail')];
  const members = holdersOf(input);
  const secrets = { mesh: new Map([[epoch, mesh]]), deviceId: me, receive: [{ privateKey }] };
  const opened = await openMail(deviceOf(pid), viewOf({ state: { members }, secrets }), mail);
  if (opened !== undefined) return { ...opened };

  if (mail.length > 64 * 1024) return refuse('bound');
  if (mail.length < 52) return refuse('parse');
  if (bytesUint(mail.subarray(0, 4)) !== epoch) return refuse('epoch');
  const mode = { info: info(pid, 'mail', epoch, me), psk: mailPsk(pid, epoch, mesh), pskId: encode([pid, epoch]) };
  const padded = await hpkeOpen(privateKey, mode, mail.slice(4)).catch(() => refuse('tag'));
  const plain = unpadded(padded);
  const [sender, receiver] = decodeShaped(mailSchema, plain, 'a mail');
  const author = members.find(({ id }) => equal(id, sender));
  return refuse(author?.kind !== 'device' || !equal(receiver, me) ? 'context' : 'signature');
}

export function unpadded(padded: Bytes): Bytes {
  try {
    return unpad(padded);
  } catch (error) {
    if (isPassportError(error, 'decryption-failed')) return refuse('padding');
    throw error;
  }
}

const chosenSchema = list(bytes16, 32);
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
  chosenSchema,
]);

async function unlockRequest(input: Input) {
  const pid = input.bytes('pid');
  const [epoch, slot, head] = [input.number('epoch'), input.number('slot'), input.bytes('head')];
  const [sender, id, body] = [input.bytes('sender'), input.bytes('id'), input.bytes('body')];
  const [now, cameAt] = [input.number('now'), input.number('cameAt')];
  const members = holdersOf(input);
  const mails: Value[] = [[sender, 'unlock', id, body, cameAt]];
  if (input.has('cancel')) mails.push([sender, 'cancel', id, input.bytes('cancel'), cameAt]);
  const entries = [...Array.from({ length: slot }, () => ({})), { id: head }];
  const { tx } = cells({ 'mail-in': mails });
  const me = input.bytes('me');
  const view = viewOf({ state: { members, epoch, entries }, secrets: { deviceId: me }, tx });
  const [found] = await unlockRequests(deviceOf(pid, now), view);
  if (found !== undefined) {
    const { rid, initiator, oneTimeKey, purpose, ttlMs, notAfter, chosen } = found;
    const number = unlockNumber(pid, found);
    return { hash: found.hash, number, rid, initiator, oneTimeKey, purpose, ttlMs, notAfter, chosen };
  }
  const [bytes, signed] = decodeShaped(z.tuple([someBytes(4096), signature]), body, 'an unlock');
  const fields = decodeShaped(requestSchema, bytes, 'an unlock');
  const [, rid, initiator, saidSlot, saidHead, saidEpoch, , , , notAfter, chosen] = fields;
  const author = members.find((holder) => equal(holder.id, initiator));
  if (author?.kind !== 'device' || !equal(sender, initiator) || !equal(id, rid)) return refuse('context');
  if (!verifyStatement(author.signKey, signed, pid, 'unlock', sha256(bytes))) return refuse('signature');
  if (saidEpoch !== epoch) return refuse('epoch');
  if (saidSlot !== slot || !equal(saidHead, head)) return refuse('context');
  if (!chosen.some((each) => equal(each, me))) return refuse('context');
  if (notAfter <= now || notAfter > cameAt + 20 * MINUTE || input.has('cancel')) return refuse('expired');
  throw new TypeError('nothing is wrong with it');
}

/** The asking device's own request, from its bytes. */
function ownRequest(pid: Bytes, bytes: Bytes): UnlockRequest {
  const [, rid, initiator, slot, head, epoch, oneTimeKey, purpose, ttlMs, notAfter, chosen] = decode(bytes) as [
    string,
    ...[Bytes, Bytes, number, Bytes, number, Bytes, string, number, number, Bytes[]],
  ];
  const ofRequest = hash(pid, 'unlock-request', sha256(bytes));
  return { rid, hash: ofRequest, initiator, slot, head, epoch, oneTimeKey, purpose, ttlMs, notAfter, chosen };
}

async function answers(input: Input, kind: 'share' | 'refuse') {
  const pid = input.bytes('pid');
  const request = ownRequest(pid, input.bytes('request'));
  const [sender, id, body] = [input.bytes('sender'), input.bytes('id'), input.bytes('body')];
  const members = holdersOf(input);
  const { tx } = cells({ 'mail-in': [[sender, kind, id, body, 0]] });
  const oneTime = [{ id: request.rid, bootId: 'boot', deadline: 1, secret: input.bytes('oneTimePrivate') }];
  const shares = members.map(() => ({ commitment: new Uint8Array(32), grantHash: new Uint8Array(32) }));
  const { epoch } = request;
  const epochs = { [epoch]: { holders: members, shares } };
  const found = await unlockAnswers(
    deviceOf(pid),
    viewOf({ state: { members, epoch, epochs }, secrets: { oneTime }, tx }),
    request,
  );
  return { pid, request, sender, id, body, members, found };
}

function chosenHolder({ request, sender, id, members }: Awaited<ReturnType<typeof answers>>) {
  const holder = members.find((each) => equal(each.id, sender));
  const chosen = request.chosen.some((each) => equal(each, sender));
  return holder === undefined || !chosen || !equal(id, request.rid) ? refuse('context') : holder;
}

async function unlockAnswer(input: Input) {
  const all = await answers(input, 'share');
  const { pid, request, sender, body } = all;
  const [given] = all.found.shares;
  if (given !== undefined) return { share: given.share };
  const holder = chosenHolder(all);
  const [ofRequest, box, signed] = decodeShaped(z.tuple([bytes32, fixedBytes(81), signature]), body, 'an answer');
  if (!equal(ofRequest, request.hash)) return refuse('context');
  const common = [request.epoch, request.rid, request.hash, request.initiator, sender];
  if (!verifyStatement(holder.signKey, signed, pid, 'unlock-answer', ...common, sha256(box)))
    return refuse('signature');
  return refuse('tag');
}

async function unlockRefuse(input: Input) {
  const all = await answers(input, 'refuse');
  if (all.found.refusedBy.length > 0) return { refusedBy: all.found.refusedBy[0]! };
  chosenHolder(all);
  const [ofRequest] = decodeShaped(z.tuple([bytes32, signature]), all.body, 'a refusal');
  return refuse(equal(ofRequest, all.request.hash) ? 'signature' : 'context');
}

const checkSchema = z.tuple([bytes16, uint(), uint(), uint(), signature]);
const drillSchema = z.tuple([bytes32, uint(), uint(), signature, list(checkSchema, 32)]);

async function drillAnswer(input: Input) {
  const pid = input.bytes('pid');
  const [challenge, slot, epoch] = [input.bytes('challenge'), input.number('slot'), input.number('epoch')];
  const [sender, body] = [input.bytes('sender'), input.bytes('body')];
  const members = holdersOf(input);
  const { tx, map } = cells({
    'mail-in': [[sender, 'drill-answer', new Uint8Array(16), body, 0]],
    'drill-challenge': challenge,
  });
  await drillDue(
    deviceOf(pid),
    viewOf({ state: { members, epoch, epochs: { [epoch]: { slot, epoch } } }, secrets: {}, tx }),
  );
  const noted = map.get('drill') as Value[] | undefined;
  if (noted !== undefined) {
    const checks = (map.get('kit-checks') ?? []) as [Bytes, number, number, number][];
    return { holder: sender, checks: checks.map(([kit, ...rest]) => [kit, ...rest.slice(0, 3)]) };
  }
  const [said, saidSlot] = decodeShaped(drillSchema, body, 'a drill answer');
  const known = members.some(({ id }) => hex(id) === hex(sender));
  return refuse(known && equal(said, challenge) && saidSlot === slot ? 'signature' : 'context');
}

export const mail: Record<string, Operation> = {
  'mail-open': open,
  'unlock-request': unlockRequest,
  'unlock-answer': unlockAnswer,
  'unlock-refuse': unlockRefuse,
  'drill-answer': drillAnswer,
};
