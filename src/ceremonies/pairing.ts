/**
 * What both sides of a pairing compute (docs/protocol.md, 7). A alone commits, before it knows anything of B; B's nonce is
 * fixed before A reveals: so the words cannot be steered by anybody who owns the channel, the link or a photo of it.
 */
import { type Bytes, concat } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { hpkeOpen, hpkeSeal } from '../crypto/hpke.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import { hash, info } from '../crypto/statements.ts';
import { sasWords } from '../crypto/words.ts';
import type { InvitationData, PairHello, PairReveal } from '../format/pairing.ts';
import type { Random } from '../platform.ts';

export const INVITATION_TTL_MS = 10 * 60 * 1000;

export interface PairHead {
  readonly slot: number;
  readonly head: Bytes;
  readonly holder: Bytes;
  readonly signKey: Bytes;
}

/** cA: 32 bytes. */
export function pairCommitment(pid: Bytes, iid: Bytes, a: PairHead, nonce: Bytes): Bytes {
  return hash(pid, 'pair-commit', iid, a.slot, a.head, a.holder, a.signKey, nonce);
}

type Step = 1 | 2 | 3 | 4;

function context(invitation: Pick<InvitationData, 'pid' | 'iid' | 'secret'>, step: Step, bound: readonly Bytes[]) {
  const { pid, iid, secret } = invitation;
  return { info: info(pid, `pair-${step}`, iid, ...bound), psk: secret, pskId: iid };
}

/** One message of a pairing: `bound` are the hashes that its step is tied to. */
export function sealPair(
  to: Bytes,
  invitation: InvitationData,
  step: Step,
  bound: readonly Bytes[],
  plaintext: Bytes,
  random: Random,
): Promise<Bytes> {
  return hpkeSeal(to, context(invitation, step, bound), pad(plaintext), random);
}

/** `decryption-failed` for anything that is not this step of this invitation. */
export async function openPair(
  privateKey: Bytes,
  invitation: InvitationData,
  step: Step,
  bound: readonly Bytes[],
  sealed: Bytes,
): Promise<Bytes> {
  return unpad(await hpkeOpen(privateKey, context(invitation, step, bound), sealed));
}

function possessionFields(iid: Bytes, hI: Bytes, hello: Pick<PairHello, 'signKey' | 'receiveKey' | 'nonce'>) {
  return [iid, hI, hello.signKey, hello.receiveKey, hello.nonce] as const;
}

export function signPossession(
  seed: Bytes,
  pid: Bytes,
  iid: Bytes,
  hI: Bytes,
  hello: Pick<PairHello, 'signKey' | 'receiveKey' | 'nonce'>,
): Bytes {
  return signStatement(seed, pid, 'pair-pop', ...possessionFields(iid, hI, hello));
}

export function checkPossession(pid: Bytes, iid: Bytes, hI: Bytes, hello: PairHello): boolean {
  return verifyStatement(hello.signKey, hello.possession, pid, 'pair-pop', ...possessionFields(iid, hI, hello));
}

function revealFields(iid: Bytes, hI: Bytes, hM1: Bytes, reveal: Omit<PairReveal, 'signature'>) {
  const { nonce, holder, signKey, slot, head } = reveal;
  return [iid, hI, hM1, nonce, holder, signKey, slot, head] as const;
}

export function signReveal(
  seed: Bytes,
  pid: Bytes,
  iid: Bytes,
  hI: Bytes,
  hM1: Bytes,
  reveal: Omit<PairReveal, 'signature'>,
): Bytes {
  return signStatement(seed, pid, 'pair-2', ...revealFields(iid, hI, hM1, reveal));
}

export function checkReveal(pid: Bytes, iid: Bytes, hI: Bytes, hM1: Bytes, reveal: PairReveal): boolean {
  return verifyStatement(reveal.signKey, reveal.signature, pid, 'pair-2', ...revealFields(iid, hI, hM1, reveal));
}

/** T, and the three words that both sides compute from it. */
export function pairResult(
  pid: Bytes,
  invitation: Bytes,
  hello: Bytes,
  reveal: Bytes,
  nonceA: Bytes,
  nonceB: Bytes,
): { transcript: Bytes; words: string[] } {
  const transcript = hash(pid, 'pair-transcript', sha256(invitation), sha256(hello), sha256(reveal));
  return { transcript, words: sasWords(hkdf(concat(nonceA, nonceB), info(pid, 'pair-sas'), 8, transcript)) };
}

/** Lower case, one space: how typed words are compared. */
export function normalWords(words: string): string {
  return words
    .normalize('NFKD')
    .toLowerCase()
    .trim()
    .split(/[\s,]+/u)
    .join(' ');
}

/** M3 when A's person said no, or a second answer came: ["refused", code]. */
export function encodeRefusal(code: 'words-mismatch' | 'pairing-contested' | 'refused'): Bytes {
  return encode(['refused', code]);
}
