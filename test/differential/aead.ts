/** AES-256-GCM of every provider: the same sealed bytes, the same refusals. */
import { gcm } from '@noble/ciphers/aes.js';
import { type Bytes, concat, copy } from '../../src/bytes.ts';
import { seededRandom, upTo } from '../helpers/random.ts';
import { type Answer, type Findings, REFUSED, type Run } from './findings.ts';
import { type Platform, portable } from './platform.ts';
import type { WebCrypto } from './webcrypto.ts';

type Seal = (key: Bytes, nonce: Bytes, data: Bytes) => Bytes | Promise<Bytes>;

const LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 1023, 65_535, 65_536, 65_537, 2 ** 20];

export async function askAead(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  const random = seededRandom('differential aead');
  const { seals, opens, ourSeals, ourOpens } = aeadProviders(platform, web);
  const ask = (id: string, by: Record<string, Seal>, input: [Bytes, Bytes, Bytes], expected?: Answer) =>
    findings.ask(id, questions(by, input), expected);

  for (const length of LENGTHS) {
    const [key, nonce, data] = [random(32), random(12), random(length)];
    await ask(`aes-256-gcm seals ${length}`, seals, [key, nonce, data]);
    await ask(`aes-256-gcm opens ${length}`, opens, [key, nonce, copy(nobleSeal(key, nonce, data))], data);
  }
  for (let i = 0; i < 40; i++) {
    const [key, nonce, data] = [random(32), random(12), random(upTo(random, 100))];
    const sealed = nobleSeal(key, nonce, data);
    await ask(`aes-256-gcm seals at random ${i}`, seals, [key, nonce, data]);
    const bit = upTo(random, sealed.length * 8);
    await ask(`aes-256-gcm refuses a changed bit ${i}`, opens, [key, nonce, flipped(sealed, bit)], REFUSED);
    await ask(`aes-256-gcm refuses another nonce ${i}`, opens, [key, flipped(nonce, i), sealed], REFUSED);
    await ask(`aes-256-gcm refuses another key ${i}`, opens, [flipped(key, i), nonce, sealed], REFUSED);
  }
  const [key, nonce, data] = [random(32), random(12), random(40)];
  const sealed = nobleSeal(key, nonce, data);
  for (let bit = 0; bit < 128; bit++) {
    const changed = flipped(sealed, 8 * data.length + bit);
    await ask(`aes-256-gcm refuses bit ${bit} of the tag changed`, opens, [key, nonce, changed], REFUSED);
  }
  for (const length of [0, 1, 4, 8, 12, 13, 14, 15, 16, 17, 39, 40, 41, 55]) {
    await ask(`aes-256-gcm refuses it cut to ${length}`, opens, [key, nonce, sealed.subarray(0, length)], REFUSED);
  }
  for (const length of [1, 16, 64]) {
    const longer = concat(sealed, new Uint8Array(length));
    await ask(`aes-256-gcm refuses ${length} bytes more`, opens, [key, nonce, longer], REFUSED);
  }
  // Bare AES-GCM has other key and nonce lengths; the provider's contract has not.
  for (const length of [0, 1, 15, 16, 24, 31, 33, 64]) {
    await ask(`aes-256-gcm seals under no key of ${length}`, ourSeals, [random(length), nonce, data], REFUSED);
    await ask(`aes-256-gcm opens under no key of ${length}`, ourOpens, [random(length), nonce, sealed], REFUSED);
  }
  for (const length of [0, 1, 8, 11, 13, 16, 128]) {
    await ask(`aes-256-gcm seals with no nonce of ${length}`, ourSeals, [key, random(length), data], REFUSED);
    const other = length < 8 ? sealed : nobleSeal(key, new Uint8Array(length), data);
    await ask(`aes-256-gcm opens with no nonce of ${length}`, ourOpens, [key, new Uint8Array(length), other], REFUSED);
  }
}

function nobleSeal(key: Bytes, nonce: Bytes, data: Bytes): Bytes {
  return gcm(key, nonce).encrypt(data);
}

function nobleOpen(key: Bytes, nonce: Bytes, sealed: Bytes): Bytes {
  return gcm(key, nonce).decrypt(sealed);
}

export interface AeadProviders {
  /** Of all that there are. */
  readonly seals: Record<string, Seal>;
  readonly opens: Record<string, Seal>;
  /** Of those that keep the contract of crypto/provider.ts. */
  readonly ourSeals: Record<string, Seal>;
  readonly ourOpens: Record<string, Seal>;
}

/** The default provider with and without WebCrypto, the shell's, and the bare functions. */
export function aeadProviders({ provider }: Platform, web: WebCrypto): AeadProviders {
  const ourSeals: Record<string, Seal> = {
    portable: (...input) => portable.aesGcmSeal(...input),
    'portable without WebCrypto': (...input) => withoutWebCrypto(() => portable.aesGcmSeal(...input)),
    ...(provider && { shell: (...input) => provider.aesGcmSeal(...input) }),
  };
  const ourOpens: Record<string, Seal> = {
    portable: (...input) => portable.aesGcmOpen(...input),
    'portable without WebCrypto': (...input) => withoutWebCrypto(() => portable.aesGcmOpen(...input)),
    ...(provider && { shell: (...input) => provider.aesGcmOpen(...input) }),
  };
  return {
    seals: { ...ourSeals, WebCrypto: (...input) => web.gcmSeal(...input), noble: nobleSeal },
    opens: { ...ourOpens, WebCrypto: (...input) => web.gcmOpen(...input), noble: nobleOpen },
    ourSeals,
    ourOpens,
  };
}

export function questions(by: Record<string, Seal>, input: [Bytes, Bytes, Bytes]): Record<string, Run> {
  return Object.fromEntries(Object.entries(by).map(([name, run]) => [name, () => run(...input)]));
}

/** A page that did not come over TLS has no WebCrypto. */
async function withoutWebCrypto<T>(run: () => T | Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'crypto') as PropertyDescriptor;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  try {
    return await run();
  } finally {
    Object.defineProperty(globalThis, 'crypto', before);
  }
}

function flipped(bytes: Bytes, bit: number): Bytes {
  const changed = copy(bytes);
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
  return changed;
}
