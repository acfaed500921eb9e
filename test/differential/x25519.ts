/**
 * X25519 (RFC 7748) of every provider, and which receive keys we take (docs/protocol.md, 2): canonical, not of low order. All
 * providers refuse a result of zeros (7748, 6.1), ignore the top bit and reduce what is above p; our rule refuses both before.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { type Bytes, copy, fromHex } from '../../src/bytes.ts';
import { hpkeSeal, isReceiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { seededRandom } from '../helpers/random.ts';
import { type Findings, REFUSED } from './findings.ts';
import { littleEndian } from './curve.ts';
import type { Platform } from './platform.ts';
import type { WebCrypto } from './webcrypto.ts';

const P = 2n ** 255n - 19n;
/** Coordinates of the points of order 8 (https://cr.yp.to/ecdh.html, "validate"). */
const ORDER_8 = [
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
].map(fromHex);
/** Below 2^255 and of low order: 0, 1, -1, order 8, and the same plus p where that has 255 bits. */
const LOW_ORDER = [...[0n, 1n, P - 1n, P, P + 1n].map((u) => littleEndian(u)), ...ORDER_8];

export async function askX25519(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  const random = seededRandom('differential x25519');
  const shared = (privateKey: Bytes, publicKey: Bytes) => x25519Providers(platform, web, privateKey, publicKey);
  const nine = littleEndian(9n);
  for (let i = 0; i < 40; i++) {
    const [privateKey, publicKey] = [random(32), random(32)];
    await findings.ask(`x25519 ${i}`, shared(privateKey, publicKey));
    const base = shared(privateKey, nine);
    await findings.ask(`x25519 public key ${i}`, { ...base, ours: () => receivePublicOf(privateKey) });
  }
  for (const [what, privateKey] of [
    ['zeros', new Uint8Array(32)],
    ['ones', new Uint8Array(32).fill(255)],
  ] as const) {
    await findings.ask(`x25519 with a private key of ${what}`, shared(privateKey, random(32)));
  }
  for (const length of [0, 1, 31, 33, 56, 64]) {
    await findings.ask(`x25519 with a public key of ${length}`, shared(random(32), random(length)), REFUSED);
    await findings.ask(`receive key of ${length}`, { ours: () => isReceiveKey(random(length)) }, false);
    await findings.ask(`private key of ${length}`, { ours: () => receivePublicOf(random(length)) }, REFUSED);
  }
  for (const [i, u] of LOW_ORDER.entries()) {
    for (const top of [false, true]) {
      const key = top ? withTopBit(u) : u;
      const id = `low order ${i}${top ? ' with the top bit' : ''}`;
      await findings.ask(`x25519 with ${id}`, shared(random(32), key), REFUSED);
      await findings.ask(`receive key of ${id}`, { ours: () => isReceiveKey(key) }, false);
    }
  }
  // u = 2 .. 18 has a second encoding below 2^255; whatever u, the top bit makes another one.
  for (let u = 2n; u <= 18n; u++) {
    const [privateKey, canonical, above] = [random(32), littleEndian(u), littleEndian(u + P)];
    const same = shared(privateKey, canonical);
    await findings.ask(`x25519 with u = ${u}`, same);
    await findings.ask(`x25519 with u = p + ${u}`, shared(privateKey, above), copy(same.noble()));
    await findings.ask(`receive key u = ${u}`, { ours: () => isReceiveKey(canonical) }, true);
    await findings.ask(`receive key u = p + ${u}`, { ours: () => isReceiveKey(above) }, false);
  }
  for (let i = 0; i < 10; i++) {
    const [privateKey, key] = [random(32), receivePublicOf(random(32))];
    const masked = withTopBit(key);
    const same = shared(privateKey, key).noble();
    await findings.ask(`x25519 with the top bit ${i}`, shared(privateKey, masked), copy(same));
    await findings.ask(`receive key ${i}`, { ours: () => isReceiveKey(key) }, true);
    await findings.ask(`receive key with the top bit ${i}`, { ours: () => isReceiveKey(masked) }, false);
  }
  const sealTo = (key: Bytes) => hpkeSeal(key, { info: nine }, nine, seededRandom('differential seal'));
  for (const [i, u] of LOW_ORDER.entries()) {
    await findings.ask(`sealing to low order ${i}`, { ours: () => sealTo(u) }, REFUSED);
  }
}

export function x25519Providers(platform: Platform, web: WebCrypto, privateKey: Bytes, publicKey: Bytes) {
  return {
    noble: () => x25519.getSharedSecret(privateKey, publicKey),
    WebCrypto: web.x25519 && (() => web.x25519!(privateKey, publicKey)),
    Node: platform.x25519 && (() => platform.x25519!(privateKey, publicKey)),
  };
}

function withTopBit(coordinate: Bytes): Bytes {
  const changed = copy(coordinate);
  changed[31] = (changed[31] as number) | 0x80;
  return changed;
}
