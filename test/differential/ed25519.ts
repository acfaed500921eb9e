/**
 * Ed25519: every provider makes the same signature, and the one rule of docs/protocol.md, 2, gives the same answer whichever
 * verifier the platform has. What is odd here is made from small-order points, so what is right follows from how it was made.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Bytes, concat, copy } from '../../src/bytes.ts';
import { isSigningKey, publicKeyOf, signStatement, verify, verifyStatement } from '../../src/crypto/sign.ts';
import { info } from '../../src/crypto/statements.ts';
import { seededRandom, upTo } from '../helpers/random.ts';
import { challenge, encoded, L, littleEndian, Point, signWith, SMALL, toNumber } from './curve.ts';
import type { Findings, Run } from './findings.ts';
import { type Platform, portable, question } from './platform.ts';
import type { WebCrypto } from './webcrypto.ts';

interface Signed {
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

export async function askEd25519(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  await askSignatures(findings, platform, web);
  for (const [id, signed, expected] of odd()) await askRule(findings, platform, web, `ed25519 ${id}`, signed, expected);
}

/** The rule with noble alone, with each verifier that the platform has, and with a lax one. */
export async function askRule(
  findings: Findings,
  platform: Platform,
  web: WebCrypto,
  id: string,
  { publicKey, message, signature }: Signed,
  expected: boolean,
): Promise<void> {
  const rule = () => verify(publicKey, message, signature);
  const against = (own: () => boolean) => question({ ...portable, ed25519Verify: own }, rule);
  // Its verifier is asynchronous, and the provider's is not: so its answer is there before the rule asks.
  const said = web.ed25519Verify && (await web.ed25519Verify(publicKey, message, signature).catch(() => false));
  const lax = () => laxAnswer(publicKey, message, signature);
  const providers: Record<string, Run | undefined> = {
    'noble alone': question(portable, rule),
    shell: question(platform.provider, rule),
    WebCrypto: said === undefined ? undefined : against(() => said),
    lax: against(lax),
  };
  await findings.ask(id, providers, expected);
  if (said !== undefined && said !== expected) findings.ownVerifierDiffers();
}

/** ZIP 215, which takes every odd key and R, and any S by its remainder: what a platform might say at most. */
function laxAnswer(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  const s = littleEndian(toNumber(signature.subarray(32)) % L);
  return ed25519.verify(concat(signature.subarray(0, 32), s), message, publicKey, { zip215: true });
}

async function askSignatures(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  const random = seededRandom('differential ed25519 signatures');
  const pid = random(32);
  for (let i = 0; i < 30; i++) {
    const [seed, field] = [random(32), random(upTo(random, 200))];
    const message = info(pid, 'differential', field);
    const sign = () => signStatement(seed, pid, 'differential', field);
    await findings.ask(`ed25519 signature ${i}`, {
      portable: question(portable, sign),
      shell: question(platform.provider, sign),
      WebCrypto: web.ed25519Sign && (() => web.ed25519Sign!(seed, message)),
    });
    const publicKey = publicKeyOf(seed);
    const check = () => verifyStatement(publicKey, sign(), pid, 'differential', field);
    const answers = { portable: question(portable, check), shell: question(platform.provider, check) };
    await findings.ask(`ed25519 statement ${i}`, answers, true);
    const signature = sign();
    await askRule(findings, platform, web, `ed25519 good ${i}`, { publicKey, message, signature }, true);
    const changed = copy(i % 3 === 0 ? message : signature);
    const bit = upTo(random, changed.length * 8);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    const bad = i % 3 === 0 ? { publicKey, message: changed, signature } : { publicKey, message, signature: changed };
    await askRule(findings, platform, web, `ed25519 changed bit ${i}`, bad, false);
  }
  for (const length of [0, 1, 31, 33, 64]) {
    await findings.ask(`ed25519 key of ${length}`, { ours: () => isSigningKey(random(length)) }, false);
  }
}

/** Odd keys and signatures with the answer of the rule. */
function* odd(): Generator<[id: string, signed: Signed, expected: boolean]> {
  const random = seededRandom('differential ed25519 odd');
  for (let i = 0; i < 4; i++) {
    const scalar = toNumber(random(32)) % L;
    const nonce = toNumber(random(32)) % L;
    const [a, r] = [Point.BASE.multiply(scalar), Point.BASE.multiply(nonce)];
    const message = random(upTo(random, 60));
    const [publicKey, good] = [encoded(a), encoded(r)];
    const signature = signWith(scalar, nonce, good, publicKey, message);
    for (const [j, torsion] of SMALL.entries()) {
      // R with a small-order part: only the cofactored equation holds, and that is the rule.
      const mixedR = encoded(r.add(torsion));
      yield [
        `${i}: R plus ${j}`,
        { publicKey, message, signature: signWith(scalar, nonce, mixedR, publicKey, message) },
        true,
      ];
      // A with a small-order part, S for its prime-order part: cofactored it holds for every j.
      const mixedA = encoded(a.add(torsion));
      const forMixed = signWith(scalar, nonce, good, mixedA, message);
      yield [`${i}: A plus ${j}`, { publicKey: mixedA, message, signature: forMixed }, j === 0];
      const both = signWith(scalar, nonce, mixedR, mixedA, message);
      yield [`${i}: A and R plus ${j}`, { publicKey: mixedA, message, signature: both }, j === 0];
      // A of small order: S = r signs every message.
      const small = encoded(torsion);
      const forged = concat(good, littleEndian(nonce));
      yield [`${i}: A of small order ${j}`, { publicKey: small, message, signature: forged }, false];
      // R of small order is signed like any other: nonce 0.
      const smallR = signWith(scalar, 0n, small, publicKey, message);
      yield [`${i}: R of small order ${j}`, { publicKey, message, signature: smallR }, true];
    }
    const s = toNumber(signature.subarray(32));
    for (let times = 1n; s + times * L < 2n ** 256n; times += 1n) {
      const raised = concat(good, littleEndian(s + times * L));
      yield [`${i}: S + ${times} L`, { publicKey, message, signature: raised }, false];
    }
    for (const [what, value] of [
      ['0', 0n],
      ['L - 1', L - 1n],
      ['L', L],
      ['2^256 - 1', 2n ** 256n - 1n],
    ] as const) {
      yield [`${i}: S = ${what}`, { publicKey, message, signature: concat(good, littleEndian(value)) }, false];
    }
    yield* otherForms(`${i}`, scalar, publicKey, message);
    for (const length of [0, 1, 32, 63, 65, 128]) {
      const cut = concat(signature, signature).subarray(0, length);
      yield [`${i}: a signature of ${length}`, { publicKey, message, signature: cut }, false];
      const key = concat(publicKey, publicKey, publicKey, publicKey).subarray(0, length);
      if (length !== 32) yield [`${i}: a key of ${length}`, { publicKey: key, message, signature }, false];
    }
    const swapped = concat(signature.subarray(32), signature.subarray(0, 32));
    yield [`${i}: S and R swapped`, { publicKey, message, signature: swapped }, false];
    yield [`${i}: the key as R`, { publicKey, message, signature: concat(publicKey, signature.subarray(32)) }, false];
    yield [`${i}: a message of 1 MiB`, { publicKey, message: random(2 ** 20), signature }, false];
  }
}

/** R and A in encodings that are not canonical: y >= p, or a sign on x = 0. The equation holds for what they decode to. */
function* otherForms(
  name: string,
  scalar: bigint,
  publicKey: Bytes,
  message: Bytes,
): Generator<[string, Signed, boolean]> {
  const p = 2n ** 255n - 19n;
  const top = 2n ** 255n;
  const forms = { '1': [1n + top, p + 1n, p + 1n + top], '-1': [p - 1n + top], '0': [p, p + top] };
  for (const [point, values] of Object.entries(forms)) {
    for (const [i, value] of values.entries()) {
      const form = littleEndian(value);
      // Nonce 0: R is a small-order point, which the cofactor removes.
      const asR = signWith(scalar, 0n, form, publicKey, message);
      yield [`${name}: R = (…, ${point}) in form ${i}`, { publicKey, message, signature: asR }, false];
      const nonce = challenge(form, form, message);
      const asA = concat(encoded(Point.BASE.multiply(nonce)), littleEndian(nonce));
      yield [`${name}: A = (…, ${point}) in form ${i}`, { publicKey: form, message, signature: asA }, false];
    }
  }
}
