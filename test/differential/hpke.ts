/** src/crypto/hpke.ts against RFC 9180 composed from noble, against the library's other X25519, and against Node. */
import * as core from '@hpke/core';
import { type Bytes, concat, copy } from '../../src/bytes.ts';
import { hpkeOpen, type HpkeMode, hpkeSeal, receiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { seededRandom, upTo } from '../helpers/random.ts';
import { littleEndian } from './curve.ts';
import { type Answer, type Findings, REFUSED } from './findings.ts';
import { nobleOpen, nobleSeal } from './hpke-noble.ts';
import type { Platform } from './platform.ts';
import type { WebCrypto } from './webcrypto.ts';

/** The library over the platform's X25519, where it has one. */
const suite = new core.CipherSuite({
  kem: new core.DhkemX25519HkdfSha256(),
  kdf: new core.HkdfSha256(),
  aead: new core.Aes256Gcm(),
});

export async function askHpke(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  const random = seededRandom('differential hpke');
  const { privateKey, publicKey } = receiveKey(random);

  const opens = (id: string, key: Bytes, mode: HpkeMode, sealed: Bytes, expected: Answer) =>
    findings.ask(id, hpkeOpens(platform, web, key, mode, sealed), expected);

  for (let i = 0; i < 20; i++) {
    const psk = i % 2 === 0 ? {} : { psk: random(32), pskId: random(1 + upTo(random, 40)) };
    const mode: HpkeMode = { info: random(upTo(random, 200)), ...psk };
    const plaintext = random(i < 4 ? i : upTo(random, 2000));
    const ekm = random(32);
    const sealed = nobleSeal(publicKey, mode, plaintext, ekm);
    await findings.ask(`hpke seals ${i}`, hpkeSeals(web, publicKey, mode, plaintext, ekm), sealed);
    await opens(`hpke opens ${i}`, privateKey, mode, sealed, plaintext);
    const changed = copy(sealed);
    const bit = upTo(random, sealed.length * 8);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    await opens(`hpke refuses a changed bit ${i}`, privateKey, mode, changed, REFUSED);
    await opens(`hpke refuses another key ${i}`, random(32), mode, sealed, REFUSED);
    await opens(`hpke refuses another info ${i}`, privateKey, { ...mode, info: random(9) }, sealed, REFUSED);
    const other = mode.psk === undefined ? { psk: random(32), pskId: random(3) } : { psk: random(32) };
    await opens(`hpke refuses another PSK ${i}`, privateKey, { ...mode, ...other }, sealed, REFUSED);
  }
  const mode = { info: random(30) };
  const sealed = nobleSeal(publicKey, mode, random(33), random(32));
  for (const length of [0, 1, 31, 32, 33, 47, 48, 49, sealed.length - 1]) {
    await opens(`hpke refuses it cut to ${length}`, privateKey, mode, sealed.subarray(0, length), REFUSED);
  }
  await opens('hpke refuses a byte more', privateKey, mode, concat(sealed, new Uint8Array(1)), REFUSED);
  for (const [what, u] of [
    ['0', 0n],
    ['1', 1n],
    ['p - 1', 2n ** 255n - 20n],
    ['p', 2n ** 255n - 19n],
    ['p + 1', 2n ** 255n - 18n],
    ['p, and the top bit', 2n ** 256n - 19n],
  ] as const) {
    const planted = concat(littleEndian(u), sealed.subarray(32));
    await opens(`hpke refuses enc = ${what}`, privateKey, mode, planted, REFUSED);
  }
  const masked = copy(sealed);
  masked[31] = (masked[31] as number) | 0x80;
  await opens('hpke refuses the top bit of enc', privateKey, mode, masked, REFUSED);
}

export function hpkeOpens(platform: Platform, web: WebCrypto, privateKey: Bytes, mode: HpkeMode, sealed: Bytes) {
  const { psk, pskId } = mode;
  const ownKey = () => receivePublicOf(privateKey);
  return {
    ours: () => hpkeOpen(privateKey, mode, sealed),
    noble: () => nobleOpen(privateKey, mode, sealed),
    'library over WebCrypto': web.x25519 && (() => libraryOpen(privateKey, mode, sealed)),
    Node: platform.hpkeOpen && (() => platform.hpkeOpen!(privateKey, ownKey(), mode.info, sealed, psk, pskId)),
  };
}

export function hpkeSeals(web: WebCrypto, publicKey: Bytes, mode: HpkeMode, plaintext: Bytes, ekm: Bytes) {
  return {
    ours: () => hpkeSeal(publicKey, mode, plaintext, () => copy(ekm)),
    noble: () => nobleSeal(publicKey, mode, plaintext, ekm),
    'library over WebCrypto': web.x25519 && (() => librarySeal(publicKey, mode, plaintext, ekm)),
  };
}

async function librarySeal(publicKey: Bytes, mode: HpkeMode, plaintext: Bytes, ekm: Bytes): Promise<Bytes> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(copy(publicKey));
  const { enc, ct } = await suite.seal({ ...parameters(mode), recipientPublicKey, ekm: copy(ekm) }, plaintext);
  return concat(new Uint8Array(enc), new Uint8Array(ct));
}

async function libraryOpen(privateKey: Bytes, mode: HpkeMode, sealed: Bytes): Promise<Bytes> {
  const recipientKey = await suite.kem.deserializePrivateKey(copy(privateKey));
  const enc = copy(sealed.subarray(0, 32));
  return new Uint8Array(await suite.open({ ...parameters(mode), recipientKey, enc }, sealed.slice(32)));
}

function parameters({ info, psk, pskId }: HpkeMode): { info: Bytes; psk?: { key: Bytes; id: Bytes } } {
  return psk === undefined || pskId === undefined ? { info } : { info, psk: { key: psk, id: pskId } };
}
