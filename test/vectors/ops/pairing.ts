/** Operations on a pairing (docs/protocol.md, 7): each message as the side that receives it checks it. */
import { type Bytes, equal, fromBase64url } from '../../../src/bytes.ts';
import { decode } from '../../../src/cbor.ts';
import { readPairPlace } from '../../../src/ceremonies/invite.ts';
import {
  checkPossession,
  checkReveal,
  normalWords,
  openPair,
  pairCommitment,
  pairResult,
} from '../../../src/ceremonies/pairing.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { hpkeOpen, isReceiveKey } from '../../../src/crypto/hpke.ts';
import { isSigningKey } from '../../../src/crypto/sign.ts';
import { info } from '../../../src/crypto/statements.ts';
import { isPassportError } from '../../../src/errors.ts';
import { parseRequest } from '../../../src/format/entry.ts';
import {
  type InvitationData,
  parseHello,
  parseInvitation,
  parseLink,
  parsePairPlace,
  parsePairRole,
  parseReveal,
} from '../../../src/format/pairing.ts';
import { checkRole } from '../../../src/registry/messages.ts';
import { type Input, type Operation, refuse } from '../schema.ts';
import { unpadded } from './mail.ts';

function link(input: Input) {
  const typed = input.text('link');
  try {
    const { pid, iid, ephemeralKey, commitment, secret, stores } = parseLink(typed).data;
    return { pid, iid, ephemeralKey, commitment, secret, stores: stores.map(({ url, id }) => [url, id]) };
  } catch (error) {
    if (!isPassportError(error, 'usage')) throw error;
    return refuse(isOtherFormat(typed) ? 'unsupported' : 'parse');
  }
}

/** An invitation of another format or suite: the two numbers in front say so. */
function isOtherFormat(typed: string): boolean {
  try {
    const [format, suite] = decode(fromBase64url(typed.trim().replace('passport:join#', ''))) as [unknown, unknown];
    return typeof format === 'number' && typeof suite === 'number' && (format !== 1 || suite !== 1);
  } catch {
    return false;
  }
}

type Step = 1 | 2 | 3 | 4;

/** The plaintext of a message, as its receiver opens it. */
async function opened(
  key: Bytes,
  data: InvitationData,
  step: Step,
  bound: readonly Bytes[],
  sealed: Bytes,
): Promise<Bytes> {
  try {
    return await openPair(key, data, step, bound, sealed);
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    if (sealed.length < 48) return refuse('parse');
    const mode = { info: info(data.pid, `pair-${step}`, data.iid, ...bound), psk: data.secret, pskId: data.iid };
    return unpadded(await hpkeOpen(key, mode, sealed).catch(() => refuse('tag')));
  }
}

function invitationOf(input: Input): { data: InvitationData; hI: Bytes } {
  const bytes = input.bytes('invitation');
  return { data: parseInvitation(bytes), hI: sha256(bytes) };
}

async function hello(input: Input) {
  const { data, hI } = invitationOf(input);
  const plaintext = await opened(input.bytes('ephemeralPrivate'), data, 1, [hI], input.bytes('sealed'));
  const said = parseHello(plaintext);
  const good = checkPossession(data.pid, data.iid, hI, said);
  if (!isSigningKey(said.signKey) || !(await isReceiveKey(said.receiveKey))) return refuse('key');
  if (!good) return refuse('signature');
  const { signKey, receiveKey, name, platform, nonce } = said;
  return { signKey, receiveKey, name, platform, nonce, hM1: sha256(plaintext) };
}

async function reveal(input: Input) {
  const { data, hI } = invitationOf(input);
  const own = input.bytes('hello');
  const hM1 = sha256(own);
  const plaintext = await opened(input.bytes('receivePrivate'), data, 2, [hI, hM1], input.bytes('sealed'));
  const said = parseReveal(plaintext);
  if (!equal(pairCommitment(data.pid, data.iid, said, said.nonce), data.commitment)) return refuse('commitment');
  if (!checkReveal(data.pid, data.iid, hI, hM1, said)) return refuse('signature');
  const result = pairResult(data.pid, input.bytes('invitation'), own, plaintext, said.nonce, parseHello(own).nonce);
  const { holder, signKey, slot, head } = said;
  return { holder, signKey, slot, head, transcript: result.transcript, words: result.words.join(' ') };
}

function wordsOf(input: Input) {
  const [pid, invitation, own, answer] = [
    input.bytes('pid'),
    input.bytes('invitation'),
    input.bytes('hello'),
    input.bytes('reveal'),
  ];
  return pairResult(pid, invitation, own, answer, parseReveal(answer).nonce, parseHello(own).nonce);
}

function typedWords(input: Input) {
  const { transcript, words } = wordsOf(input);
  if (normalWords(input.text('typed')) !== words.join(' ')) return refuse('words');
  return { transcript };
}

async function place(input: Input) {
  const { data } = invitationOf(input);
  const transcript = input.bytes('transcript');
  const plaintext = await opened(input.bytes('receivePrivate'), data, 3, [transcript], input.bytes('sealed'));
  const read = readPairPlace(plaintext);
  if ('refused' in read) return { code: read.refused };
  const { slot, prev, request } = parsePairPlace(read.place);
  const asked = parseRequest(request).enters.some(
    (holder) =>
      equal(holder.id, input.bytes('id')) &&
      equal(holder.signKey, input.bytes('signKey')) &&
      equal(holder.receiveKey, input.bytes('receiveKey')),
  );
  return asked ? { slot, prev, request: sha256(request) } : refuse('context');
}

async function role(input: Input) {
  const { data } = invitationOf(input);
  const transcript = input.bytes('transcript');
  const plaintext = await opened(input.bytes('ephemeralPrivate'), data, 4, [transcript], input.bytes('sealed'));
  const said = parsePairRole(plaintext);
  const at = { slot: input.number('slot'), prev: input.bytes('prev') };
  if (said.slot !== at.slot || !equal(said.prev, at.prev)) return refuse('context');
  const keys = { signKey: input.bytes('signKey'), receiveKey: input.bytes('receiveKey') };
  return checkRole(data.pid, said.signature, at, keys, transcript)
    ? { signature: said.signature }
    : refuse('signature');
}

export const pairing: Record<string, Operation> = {
  'invitation-link': link,
  'pair-hello': hello,
  'pair-reveal': reveal,
  'pair-words': (input) => ({ words: wordsOf(input).words.join(' ') }),
  'pair-words-check': typedWords,
  'pair-place': place,
  'pair-role': role,
};
