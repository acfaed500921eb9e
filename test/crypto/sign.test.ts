import { createHash, createPrivateKey, createPublicKey, sign, verify as nodeVerify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bytes, concat, copy, fromHex, hex, utf8 } from '../../src/bytes.ts';
import { type Provider, provider, useProvider } from '../../src/crypto/provider.ts';
import {
  isSigningKey,
  publicKeyOf,
  signingKey,
  signStatement,
  verify,
  verifyStatement,
} from '../../src/crypto/sign.ts';
import { info } from '../../src/crypto/statements.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

/** RFC 8032, 7.1, tests 1 to 3. */
const RFC_8032: [seed: string, publicKey: string, message: string, signature: string][] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
];

/** novifinancial/ed25519-speccheck, cases.json 0 to 11 (Apache-2.0): what verifiers disagree about. None is valid here. */
const SPECCHECK: [what: string, message: string, publicKey: string, signature: string][] = [
  [
    'S = 0, small-order A and R',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000',
  ],
  [
    'small-order A, mixed R',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
  [
    'small-order R, mixed A',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  ],
  [
    'mixed A and R, cofactorless too',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  ],
  [
    'mixed A and R, cofactored only',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  ],
  [
    'mixed A, prime-order R, cofactored only',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
  ],
  [
    'S > L',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  ],
  [
    'S far above L',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
  ],
  [
    'non-canonical R, reduced',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
  ],
  [
    'non-canonical R',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
  ],
  [
    'non-canonical A, reduced',
    'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
  [
    'non-canonical A',
    '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
];

/** C2SP/CCTV (1e3d286), ed25519vectors.json 266, 267, 285, 286: good A, R with a small-order part. Cofactored yes, BoringSSL no. */
const COFACTORED: [message: string, publicKey: string, signature: string][] = [
  [
    'ed25519vectors',
    'ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076',
    '0000000000000000000000000000000000000000000000000000000000000000ef1195f0610612912016b3ee33054829bcea20ae4de1e9343b1c4e2e15649003',
  ],
  [
    'ed25519vectors 3',
    'ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076',
    '36684ea91032ba5b1dbab2d02f4debc74c3327f2b3802e2e4d371aa42b12b56b2d471882773a677af1e3824e757a33f8ddf7bbeaf3d28a09595eb8daa0d74a03',
  ],
  [
    'ed25519vectors 8',
    'ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076',
    '00000000000000000000000000000000000000000000000000000000000000800a4940ad86a3df965346037e94d0796fa785353be5f5d25b5c3c1a507c63bf0d',
  ],
  [
    'ed25519vectors 11',
    'ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076',
    'b797b156efcd45a4e2454d2fd0b21438b3ccd80d4c7fd1d1b2c8e55bd4ed4a9426cc293b14d304864a4cd689cbcc23cb13fcb1098f9c434cc9ca7439c9cf2505',
  ],
];

/** The order of the group. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const portable = provider();

/** Platforms that answer honestly, with their own idea of odd input, or not at all. */
const PLATFORMS: [string, Partial<Provider>][] = [
  ['without a native verifier', {}],
  ['with the verifier of Node', { ed25519Verify: nodeAnswer }],
  [
    'with ZIP 215, which takes every odd key',
    { ed25519Verify: (key, message, sig) => ed25519.verify(sig, message, key, { zip215: true }) },
  ],
  [
    'with one that reduces S',
    {
      ed25519Verify: (key, message, sig) =>
        nodeAnswer(
          key,
          message,
          withS(sig, (s) => s % L),
        ),
    },
  ],
  ['with one that always says no', { ed25519Verify: () => false }],
  [
    'with one that throws',
    {
      ed25519Verify: () => {
        throw new Error('not available');
      },
    },
  ],
];

afterEach(() => {
  useProvider(portable);
});

describe.each(PLATFORMS)('verify, %s', (_, native) => {
  const decide = (publicKey: Bytes, message: Bytes, signature: Bytes) => {
    useProvider({ ...portable, ...native });
    return verify(publicKey, message, signature);
  };

  it('accepts the signatures of RFC 8032', () => {
    for (const [, publicKey, message, signature] of RFC_8032) {
      expect(decide(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
    }
  });

  it.each(SPECCHECK)('refuses %s (speccheck)', (_what, message, publicKey, signature) => {
    expect(decide(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(false);
  });

  it('accepts what only the cofactored equation accepts (CCTV)', () => {
    for (const [message, publicKey, signature] of COFACTORED) {
      expect(decide(fromHex(publicKey), utf8(message), fromHex(signature))).toBe(true);
    }
  });

  it('refuses S + L, for which the equation holds as well', () => {
    const [, publicKey, message, signature] = RFC_8032[1] as (typeof RFC_8032)[number];
    const raised = withS(fromHex(signature), (value) => value + L);
    expect(decide(fromHex(publicKey), fromHex(message), raised)).toBe(false);
  });

  it('refuses R = 0 in an encoding that is not canonical, though the equation holds', () => {
    const seed = seededRandom('R')(32);
    const [key, { scalar }] = [publicKeyOf(seed), ed25519.utils.getExtendedPublicKey(seed)];
    const identity = `01${'00'.repeat(31)}`;
    const [signed, above, both] = [`01${'00'.repeat(30)}80`, `ee${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(31)}`];
    for (const encoded of [identity, signed, above, both]) {
      const digest = createHash('sha512').update(fromHex(encoded)).update(key).update('text').digest();
      const forged = withS(concat(fromHex(encoded), new Uint8Array(32)), () => (littleEndian(digest) * scalar) % L);
      expect(ed25519.verify(forged, utf8('text'), key, { zip215: true })).toBe(true);
      expect(decide(key, utf8('text'), forged)).toBe(encoded === identity);
    }
  });

  it('refuses any other message, key or signature', () => {
    const [, publicKey, message, signature] = (RFC_8032[1] as (typeof RFC_8032)[number]).map(fromHex) as [
      Bytes,
      Bytes,
      Bytes,
      Bytes,
    ];
    const other = publicKeyOf(seededRandom(3)(32));
    expect(decide(other, message, signature)).toBe(false);
    expect(decide(publicKey, concat(message, message), signature)).toBe(false);
    for (let at = 0; at < 64; at += 7) {
      const changed = copy(signature);
      changed[at] = (changed[at] as number) ^ 1;
      expect(decide(publicKey, message, changed)).toBe(false);
    }
  });

  it('is false, and never throws, for other lengths and other things', () => {
    const [, publicKey, message, signature] = (RFC_8032[1] as (typeof RFC_8032)[number]).map(fromHex) as [
      Bytes,
      Bytes,
      Bytes,
      Bytes,
    ];
    const cases: unknown[][] = [
      [publicKey.subarray(1), message, signature],
      [concat(publicKey, message), message, signature],
      [publicKey, message, signature.subarray(1)],
      [publicKey, message, concat(signature, message)],
      [new Uint8Array(0), message, new Uint8Array(0)],
      [undefined, message, signature],
      [publicKey, undefined, signature],
      [publicKey, message, undefined],
      [hex(publicKey), 'message', hex(signature)],
    ];
    for (const [a, m, s] of cases) expect(decide(a as Bytes, m as Bytes, s as Bytes)).toBe(false);
  });
});

describe('verify, with a platform that says yes to everything,', () => {
  const [, publicKey, , signature] = RFC_8032[2] as (typeof RFC_8032)[number];
  const [A, signed] = [fromHex(publicKey), fromHex(signature)];
  const decide = (change: (good: Bytes) => Bytes, key = A) => {
    useProvider({ ...portable, ed25519Verify: () => true });
    return verify(key, utf8('any message'), change(signed));
  };
  const withR = (encoded: string) => (good: Bytes) => concat(fromHex(encoded), good.subarray(32));
  const [P_LESS_1, P] = [`ec${'ff'.repeat(30)}7f`, `ed${'ff'.repeat(30)}7f`];

  it('says yes itself when form and key are good: a native yes is not asked again', () => {
    expect(decide((good) => good)).toBe(true);
    expect(decide((good) => withS(good, () => 0n))).toBe(true);
    expect(decide((good) => withS(good, () => L - 1n))).toBe(true);
    for (const encoded of ['00'.repeat(32), `01${'00'.repeat(31)}`, P_LESS_1])
      expect(decide(withR(encoded))).toBe(true);
  });

  it('refuses S of L and above', () => {
    for (const s of [L, L + 1n, 2n ** 253n, 2n ** 256n - 1n])
      expect(decide((good) => withS(good, () => s))).toBe(false);
  });

  it('refuses R with y of p and above, and a sign on x = 0', () => {
    for (const encoded of [P, `ee${'ff'.repeat(30)}7f`, 'ff'.repeat(32)]) expect(decide(withR(encoded))).toBe(false);
    for (const encoded of [`01${'00'.repeat(30)}80`, `ec${'ff'.repeat(31)}`])
      expect(decide(withR(encoded))).toBe(false);
    // The sign is no fault where x is not 0.
    expect(decide((good) => good.map((byte, i) => (i === 31 ? byte ^ 0x80 : byte)))).toBe(true);
  });

  it('refuses a signature of another length, and a key that is none', () => {
    expect(decide((good) => good.subarray(0, 63))).toBe(false);
    expect(decide((good) => concat(good, Uint8Array.of(0)))).toBe(false);
    expect(decide((good) => good, fromHex(`01${'00'.repeat(31)}`))).toBe(false);
  });
});

describe('isSigningKey', () => {
  it('accepts keys made here and those of RFC 8032', () => {
    for (const [seed, publicKey] of RFC_8032) {
      expect(hex(publicKeyOf(fromHex(seed)))).toBe(publicKey);
      expect(isSigningKey(fromHex(publicKey))).toBe(true);
    }
    for (let i = 0; i < 20; i++) expect(isSigningKey(signingKey(seededRandom(i)).publicKey)).toBe(true);
  });

  it('refuses all points of small order, in each of their encodings', () => {
    const encodings = [
      '0100000000000000000000000000000000000000000000000000000000000000', // order 1
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
      '0000000000000000000000000000000000000000000000000000000000000000', // order 4
      '0000000000000000000000000000000000000000000000000000000000000080', // order 4
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', // order 8
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', // order 8
      '0100000000000000000000000000000000000000000000000000000000000080', // order 1, x = 0 with a sign
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', // order 2, x = 0 with a sign
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 1, y = p + 1
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', // order 1, both
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 4, y = p
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', // order 4, y = p
    ];
    for (const encoding of encodings) expect([encoding, isSigningKey(fromHex(encoding))]).toEqual([encoding, false]);
  });

  it('refuses a good point with a small-order part, one off the curve, and other lengths', () => {
    const order8 = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const mixed = copy(ed25519.Point.BASE.add(order8).toBytes());
    expect(isSigningKey(mixed)).toBe(false);
    expect(isSigningKey(copy(ed25519.Point.BASE.toBytes()))).toBe(true);
    expect(isSigningKey(fromHex(`02${'00'.repeat(31)}`))).toBe(false);
    for (const length of [0, 31, 33, 64]) expect(isSigningKey(new Uint8Array(length).fill(3))).toBe(false);
  });

  it('gives the same answer again, also after more keys than it remembers', () => {
    const good = publicKeyOf(seededRandom('good')(32));
    const random = seededRandom('many');
    const junk = Array.from({ length: 1500 }, () => random(32)).filter((bytes) => !isSigningKey(bytes));
    expect(junk.length).toBeGreaterThan(1300); // one in 16 random strings is a good key
    expect(junk.some((bytes) => isSigningKey(bytes))).toBe(false);
    expect([isSigningKey(good), isSigningKey(good)]).toEqual([true, true]);
  });

  it('does not remember a key by the array that held it', () => {
    const key = publicKeyOf(seededRandom('array')(32));
    expect(isSigningKey(key)).toBe(true);
    key.fill(0);
    expect(isSigningKey(key)).toBe(false);
  });
});

describe('a signed statement', () => {
  const pid = seededRandom('pid')(32);
  const { seed, publicKey } = signingKey(seededRandom('key'));

  it('is Ed25519 over L(use, …fields)', () => {
    const der = concat(fromHex('302e020100300506032b657004220420'), seed);
    const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    const expected = sign(null, info(pid, 'approve', 5, 'holders', publicKey), key).toString('hex');
    expect(hex(signStatement(seed, pid, 'approve', 5, 'holders', publicKey))).toBe(expected);
  });

  it('is signed by the platform where it can', () => {
    const native = seededRandom('native')(64);
    useProvider({ ...portable, ed25519Sign: () => native });
    expect(signStatement(seed, pid, 'approve')).toBe(native);
  });

  it('verifies with the same key, passport, use and fields only', () => {
    const signature = signStatement(seed, pid, 'accept', 5, [1, 'x']);
    expect(verifyStatement(publicKey, signature, pid, 'accept', 5, [1, 'x'])).toBe(true);
    expect(verifyStatement(publicKey, signature, pid, 'accept', 6, [1, 'x'])).toBe(false);
    expect(verifyStatement(publicKey, signature, pid, 'accept', 5, 1, 'x')).toBe(false);
    expect(verifyStatement(publicKey, signature, pid, 'promise', 5, [1, 'x'])).toBe(false);
    expect(verifyStatement(publicKey, signature, seed, 'accept', 5, [1, 'x'])).toBe(false);
    expect(verifyStatement(pid, signature, pid, 'accept', 5, [1, 'x'])).toBe(false);
  });

  it('comes from a new key pair, whose seed is the secret', () => {
    const made = signingKey(seededRandom('pair'));
    expect(made).toEqual({ seed: seededRandom('pair')(32), publicKey: publicKeyOf(made.seed) });
  });

  it('needs a whole seed', () => {
    expect(codeOf(() => publicKeyOf(new Uint8Array(31)))).toBe('TypeError');
    expect(codeOf(() => signStatement(new Uint8Array(33), pid, 'accept'))).toBe('TypeError');
    expect(codeOf(() => signingKey((length) => new Uint8Array(length)))).toBe('random-failed');
  });
});

function nodeAnswer(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  const der = Buffer.concat([fromHex('302a300506032b6570032100'), publicKey]);
  return nodeVerify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
}

function withS(signature: Bytes, change: (s: bigint) => bigint): Bytes {
  const changed = copy(signature);
  let s = change(littleEndian(signature.subarray(32)));
  for (let i = 32; i < 64; i++, s >>= 8n) changed[i] = Number(s & 0xffn);
  return changed;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
