import { createCipheriv, hkdfSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bytes, concat, copy, hex, uintBytes } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import {
  LAYERS,
  type Layer,
  type ObjectContext,
  objectHeader,
  openObject,
  sealObject,
} from '../../src/crypto/object.ts';
import { pad } from '../../src/crypto/padding.ts';
import { provider, useProvider } from '../../src/crypto/provider.ts';
import { codeOf, rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('object');
const KIB = 1024;
const CHUNK = 64 * KIB;
const HEADER = 4 + 1 + 1 + 1 + 4 + 32 + 32;
/** Layers of one machine, outside of any epoch (docs/protocol.md, 4). */
const WITHOUT_EPOCH: readonly Layer[] = ['local', 'keystore', 'session'];

const context: ObjectContext = {
  layer: 'vault',
  epoch: 7,
  key: random(32),
  pid: random(32),
  kind: 'updates',
  owner: random(16),
  sequence: 12,
};

describe('an object', () => {
  it('opens to what was sealed, whatever the length', async () => {
    for (const length of [0, 1, 1016, 1017, CHUNK - 8, CHUNK, 3 * CHUNK, 3 * CHUNK + 1]) {
      const data = random(length);
      const object = await sealObject(context, data, random);
      expect(hex(await openObject(context, object))).toBe(hex(data));
    }
  });

  it('has the bytes of docs/protocol.md, 4, written down a second time', async () => {
    for (const length of [0, 3, CHUNK, 200_000]) {
      const data = random(length);
      const salt = random(32);
      const expected = forge(context, pad(data), { salt });
      expect(hex(await sealObject(context, data, () => salt))).toBe(hex(expected));
      expect(hex(await openObject(context, expected))).toBe(hex(data));
    }
  });

  it('says its layer and epoch', async () => {
    for (const layer of Object.keys(LAYERS) as Layer[]) {
      const epoch = WITHOUT_EPOCH.includes(layer) ? 0 : 2 ** 32 - 1;
      const object = await sealObject({ ...context, layer, epoch }, new Uint8Array(1), random);
      expect(objectHeader(object)).toEqual({ layer, epoch });
    }
    expect(LAYERS).toEqual({ mesh: 1, vault: 2, wrap: 3, meshLink: 4, kekLink: 5, local: 6, keystore: 7, session: 8 });
  });

  it('hides lengths below 1 KiB', async () => {
    const sizes = await Promise.all(
      [0, 500, 1016].map(async (n) => (await sealObject(context, new Uint8Array(n), random)).length),
    );
    expect(sizes).toEqual([1115, 1115, 1115]);
  });

  it('has a key of its own: the same data twice shares no chunk', async () => {
    const data = random(10);
    const [a, b] = [await sealObject(context, data, random), await sealObject(context, data, random)];
    expect(hex(a.subarray(HEADER))).not.toBe(hex(b.subarray(HEADER)));
  });

  it('leaves the data and the key of its caller alone', async () => {
    const data = random(100);
    const [before, key] = [hex(data), hex(context.key)];
    await openObject(context, await sealObject(context, data, random));
    expect([hex(data), hex(context.key)]).toEqual([before, key]);
  });

  it('can stand inside a larger buffer', async () => {
    const object = await sealObject(context, Uint8Array.of(1, 2, 3), random);
    const inside = concat(random(5), object, random(5)).subarray(5, 5 + object.length);
    expect(hex(await openObject(context, inside))).toBe('010203');
    expect(objectHeader(inside)).toEqual({ layer: 'vault', epoch: 7 });
  });
});

describe('an object does not open', () => {
  it.each([
    ['with another key', { key: new Uint8Array(32).fill(1) }],
    ['in another passport', { pid: new Uint8Array(32).fill(1) }],
    ['in another layer', { layer: 'mesh' }],
    ['in another epoch', { epoch: 8 }],
    ['as another kind', { kind: 'commits' }],
    ['of another owner', { owner: new Uint8Array(16).fill(1) }],
    ['at another sequence', { sequence: 13 }],
  ] as [string, Partial<ObjectContext>][])('%s', async (_, change) => {
    const object = await sealObject(context, random(100), random);
    expect(await rejectionOf(openObject({ ...context, ...change }, object))).toBe('decryption-failed');
  });

  it('with any one byte of it changed', async () => {
    const object = await sealObject(context, random(3), random);
    for (let at = 0; at < object.length; at++) {
      if (at < 6) continue; // magic, version, suite: below
      const changed = copy(object);
      changed[at] = (changed[at] as number) ^ 1;
      expect([at, await rejectionOf(openObject(context, changed))]).toEqual([at, 'decryption-failed']);
    }
  });

  it('cut anywhere', async () => {
    const object = await sealObject(context, random(2 * CHUNK), random);
    const lengths = [0, 5, 6, 42, 43, HEADER - 1, HEADER, HEADER + 1, HEADER + 15, HEADER + 16, HEADER + 17];
    const borders = [1, 2].flatMap((n) => [-1, 0, 1, 16].map((d) => HEADER + n * (CHUNK + 16) + d));
    for (const length of [...lengths, ...borders, object.length - 17, object.length - 16, object.length - 1]) {
      expect([length, await rejectionOf(openObject(context, object.subarray(0, length)))]).toEqual([
        length,
        'decryption-failed',
      ]);
    }
  });

  it('with something after its end', async () => {
    for (const length of [3, CHUNK - 8]) {
      const object = await sealObject(context, random(length), random);
      for (const extra of [1, 15, 16, 17, 1000, CHUNK + 16]) {
        expect(await rejectionOf(openObject(context, concat(object, new Uint8Array(extra))))).toBe('decryption-failed');
      }
      expect(await rejectionOf(openObject(context, concat(object, object.subarray(HEADER))))).toBe('decryption-failed');
    }
  });

  it('with chunks swapped, repeated, left out or from another object', async () => {
    const chunksOf = (object: Bytes) =>
      [0, 1, 2].map((i) => object.subarray(HEADER + i * (CHUNK + 16), HEADER + (i + 1) * (CHUNK + 16)));
    const data = random(3 * CHUNK - 8);
    const [object, other] = [await sealObject(context, data, random), await sealObject(context, data, random)];
    const head = object.subarray(0, HEADER);
    const [a, b, c] = chunksOf(object) as [Bytes, Bytes, Bytes];
    const [, foreign] = chunksOf(other) as [Bytes, Bytes, Bytes];
    expect(await rejectionOf(openObject(context, concat(head, a, b, c)))).toBe('no error');
    for (const wrong of [
      [b, a, c],
      [a, c, b],
      [a, a, c],
      [a, b],
      [a, c],
      [b, c],
      [c],
      [a, b, c, c],
      [a, foreign, c],
      [],
    ]) {
      expect(await rejectionOf(openObject(context, concat(head, ...wrong)))).toBe('decryption-failed');
    }
  });

  it('when its maker marked chunks wrongly', async () => {
    const padded = pad(random(2 * CHUNK - 8));
    expect(await rejectionOf(openObject(context, forge(context, padded)))).toBe('no error');
    const wrong: Forgery[] = [
      { last: [1, 1] },
      { last: [0, 0] },
      { last: [1, 0] },
      { counter: [0, 0] },
      { counter: [1, 2] },
    ];
    for (const forgery of wrong) {
      expect(await rejectionOf(openObject(context, forge(context, padded, forgery)))).toBe('decryption-failed');
    }
  });

  it('when its maker chose other chunks, or an empty last one', async () => {
    const padded = pad(random(2 * CHUNK - 8));
    for (const sizes of [[2 * CHUNK], [CHUNK - 1, CHUNK + 1], [CHUNK, CHUNK, 0], [KIB, 2 * CHUNK - KIB]]) {
      expect(await rejectionOf(openObject(context, forge(context, padded, { sizes })))).toBe('decryption-failed');
    }
    expect(await rejectionOf(openObject(context, forge(context, new Uint8Array(0), { sizes: [0] })))).toBe(
      'decryption-failed',
    );
  });

  it('when its maker padded it wrongly', async () => {
    const good = pad(random(1000));
    const dirty = copy(good);
    dirty[1023] = 1;
    const tooLong = copy(good);
    tooLong[6] = 0xff;
    const wrong = [
      dirty,
      tooLong,
      concat(good, new Uint8Array(64)),
      good.subarray(0, 1008),
      new Uint8Array(1),
      new Uint8Array(0),
    ];
    for (const padded of wrong)
      expect(await rejectionOf(openObject(context, forge(context, padded)))).toBe('decryption-failed');
  });

  it('under a second key, even where the chunks would: the commitment is compared before', async () => {
    const object = await sealObject(context, random(10), random);
    const opened: Bytes[] = [];
    const before = provider();
    useProvider({ ...before, aesGcmOpen: (_, __, sealed) => (opened.push(sealed), pad(new Uint8Array(0))) });
    expect(await rejectionOf(openObject({ ...context, key: random(32) }, object))).toBe('decryption-failed');
    expect(opened).toEqual([]);
    useProvider(before);
  });

  it('and all of these say the same', async () => {
    const object = await sealObject(context, random(10), random);
    const messages = await Promise.all(
      [
        openObject({ ...context, sequence: 1 }, object),
        openObject(context, object.subarray(0, object.length - 1)),
        openObject(context, forge(context, new Uint8Array(5))),
        openObject(context, new Uint8Array(0)),
      ].map((promise) => promise.catch((error: Error) => error.message)),
    );
    expect(new Set(messages).size).toBe(1);
  });
});

describe('an object of an unknown format is refused by name', () => {
  it.each([
    ['magic', 0],
    ['version', 4],
    ['suite', 5],
  ])('%s', async (what, at) => {
    const object = await sealObject(context, random(3), random);
    object[at] = (object[at] as number) + 1;
    await expect(openObject(context, object)).rejects.toMatchObject({ code: 'unsupported', details: { what } });
    expect(codeOf(() => objectHeader(object))).toBe('unsupported');
  });
});

describe('what has magic, version and suite and no more', () => {
  it('is judged by them', async () => {
    const six = (await sealObject(context, random(3), random)).subarray(0, 6);
    expect(await rejectionOf(openObject(context, six))).toBe('decryption-failed');
    expect(await rejectionOf(openObject(context, copy(six).fill(9, 0, 1)))).toBe('unsupported');
  });
});

describe('objectHeader', () => {
  it('needs the header and nothing behind it', async () => {
    const object = await sealObject(context, random(3), random);
    expect(objectHeader(object.subarray(0, HEADER))).toEqual({ layer: 'vault', epoch: 7 });
  });
});

describe('objectHeader refuses', () => {
  it('what is too short, of an unknown layer, or names an epoch where there is none', async () => {
    const object = await sealObject({ ...context, layer: 'local', epoch: 0 }, random(3), random);
    expect(codeOf(() => objectHeader(object.subarray(0, HEADER - 1)))).toBe('malformed');
    for (const layer of ['local', 'keystore', 'session'] as const) {
      const other = await sealObject({ ...context, layer, epoch: 0 }, random(3), random);
      other[10] = 1;
      expect(codeOf(() => objectHeader(other))).toBe('malformed');
    }
    for (const [at, byte] of [
      [6, 0],
      [6, 9],
    ] as const) {
      const changed = copy(object);
      changed[at] = byte;
      expect(codeOf(() => objectHeader(changed))).toBe('malformed');
    }
    for (const layer of WITHOUT_EPOCH) {
      const own = await sealObject({ ...context, layer, epoch: 0 }, random(3), random);
      own[10] = 1;
      expect(codeOf(() => objectHeader(own))).toBe('malformed');
    }
  });
});

describe('a mistake of the caller', () => {
  it('is no error of the data', async () => {
    const object = await sealObject(context, random(3), random);
    expect(await rejectionOf(openObject({ ...context, key: random(31) }, object))).toBe('TypeError');
    expect(await rejectionOf(sealObject({ ...context, key: random(33) }, random(3), random))).toBe('TypeError');
    for (const layer of WITHOUT_EPOCH)
      expect(await rejectionOf(sealObject({ ...context, layer }, random(3), random))).toBe('RangeError');
    expect(await rejectionOf(sealObject({ ...context, epoch: 2 ** 32 }, random(3), random))).toBe('RangeError');
    expect(await rejectionOf(sealObject(context, random(3), () => new Uint8Array(32)))).toBe('random-failed');
  });
});

describe('a synchronous provider', () => {
  const before = provider();
  afterEach(() => useProvider(before));

  it('gives the same bytes', async () => {
    const data = random(2 * CHUNK);
    const salt = random(32);
    const expected = await sealObject(context, data, () => salt);
    useProvider({
      ...before,
      aesGcmSeal(key, nonce, plain, sealed = new Uint8Array(plain.length + 16)) {
        sealed.set(gcm(key, nonce, plain));
        return sealed;
      },
    });
    expect(hex(await sealObject(context, data, () => salt))).toBe(hex(expected));
  });
});

interface Forgery {
  readonly salt?: Bytes;
  /** Plaintext bytes of each chunk. */
  readonly sizes?: readonly number[];
  /** The last byte of each nonce. */
  readonly last?: readonly number[];
  /** The index in each nonce. */
  readonly counter?: readonly number[];
}

/** An object with right key, commitment and tags, whatever else is wrong with it. Shares no code with object.ts. */
function forge(c: ObjectContext, padded: Bytes, forgery: Forgery = {}): Bytes {
  const count = Math.max(1, Math.ceil(padded.length / CHUNK));
  const sizes = forgery.sizes ?? Array.from({ length: count }, (_, i) => Math.min(CHUNK, padded.length - i * CHUNK));
  const named = concat(
    Buffer.from('PMSH'),
    Uint8Array.of(1, 1, LAYERS[c.layer]),
    uintBytes(c.epoch, 4),
    forgery.salt ?? random(32),
  );
  const info = encode(['passport-mesh/v1/object', 1, c.pid, named, c.kind, c.owner, c.sequence]);
  const okm = new Uint8Array(hkdfSync('sha256', c.key, named.subarray(11), info, 64));
  let at = 0;
  const chunks = sizes.map((size, i) => {
    const nonce = new Uint8Array(12);
    nonce[10] = forgery.counter?.[i] ?? i;
    nonce[11] = forgery.last?.[i] ?? (i === sizes.length - 1 ? 1 : 0);
    at += size;
    return gcm(okm.subarray(0, 32), nonce, padded.subarray(at - size, at));
  });
  return concat(named, okm.subarray(32), ...chunks);
}

function gcm(key: Bytes, nonce: Bytes, data: Bytes): Bytes {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return concat(cipher.update(data), cipher.final(), cipher.getAuthTag());
}
