import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base32, type Bytes, uintBytes } from '../../src/bytes.ts';
import { type Name, nameHash, pairTag, parseName, storeRoot, tag } from '../../src/format/names.ts';
import { codeOf } from '../helpers/codes.ts';
import { bundleName, grantName, mailName, registryName, voteName } from '../helpers/names.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('names');
const storeId = random(10);
const store = base32(storeId);
const root = storeRoot(storeId);
const key = random(32);
const holder = tag(key, 'holder', random(16));
const chain = tag(key, 'chain', random(16));
const bytes = random(100);
const hash = nameHash(bytes);

describe('parts of a name', () => {
  it('are base32hex in lower case: 16 characters for store and tag, 26 for the hash', () => {
    expect(root).toMatch(/^p\/[0-9a-v]{16}$/);
    expect(holder).toMatch(/^[0-9a-v]{16}$/);
    expect(hash).toMatch(/^[0-9a-v]{26}$/);
  });

  it('are what docs/protocol.md says', () => {
    const id = random(16);
    const mac = (...parts: Uint8Array[]) =>
      base32(new Uint8Array(createHmac('sha256', key).update(Buffer.concat(parts)).digest().subarray(0, 10)));
    expect(tag(key, 'chain', id)).toBe(mac(Buffer.from('chain'), id));
    expect(tag(key, 'holder', id)).toBe(mac(Buffer.from('holder'), id));
    for (const step of [1, 2, 3, 4] as const) expect(pairTag(key, step)).toBe(mac(Buffer.from(`pair-${step}`)));
    expect(hash).toBe(base32(new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, 16))));
  });

  it('a store id has 10 bytes', () => {
    for (const length of [0, 9, 11]) expect(codeOf(() => storeRoot(new Uint8Array(length)))).toBe('TypeError');
  });
});

describe('the names of objects', () => {
  it('are those of docs/protocol.md, 4', () => {
    expect(bundleName(root, chain, 1, 64, bytes)).toBe(`p/${store}/hot/c-${chain}-00000001-00000020-${hash}`);
    expect(registryName(root, 33, bytes, true)).toBe(`p/${store}/hot/r-00000011-${hash}`);
    expect(registryName(root, 33, bytes, false)).toBe(`p/${store}/reg/00000011-${hash}`);
    expect(voteName(root, holder, 33, bytes)).toBe(`p/${store}/hot/v-${holder}-00000011-${hash}`);
    expect(mailName(root, holder, bytes)).toBe(`p/${store}/hot/m-${holder}-${hash}`);
    expect(grantName(root, 33, holder, bytes)).toBe(`p/${store}/grant/00000011-${holder}-${hash}`);
  });

  it('have at most three folders, and components of at most 80 characters', () => {
    const longest = bundleName(root, chain, 2 ** 40 - 64, 2 ** 40 - 1, bytes);
    expect(longest.split('/')).toHaveLength(4);
    expect(Math.max(...longest.split('/').map((part) => part.length))).toBeLessThanOrEqual(80);
  });

  it('sort by number', () => {
    const slots = [0, 1, 31, 32, 1000, 32_768, 2 ** 31, 2 ** 40 - 1];
    const names = slots.map((slot) => registryName(root, slot, bytes, false));
    expect(names.slice().sort()).toEqual(names);
  });

  it('end at 2^40-1', () => {
    expect(codeOf(() => registryName(root, 2 ** 40, bytes, false))).toBe('RangeError');
    expect(codeOf(() => registryName(root, -1, bytes, false))).toBe('RangeError');
  });
});

describe('parseName', () => {
  it('gives back the parts of every name', () => {
    const number = fc.nat({ max: 2 ** 31 - 1 }).map((n) => n * 512 + (n % 512)); // up to 2^40-1
    fc.assert(
      fc.property(
        number,
        fc.nat(63),
        fc.integer({ min: 1, max: 2 ** 39 }),
        bytesOf(10),
        bytesOf(16),
        bytesOf(40),
        (n, more, first, id, owner, data) => {
          const [at, who, h] = [storeRoot(id), tag(key, 'holder', owner), nameHash(data)];
          const store = base32(id);
          const last = first + more;
          expect(parseName(bundleName(at, who, first, last, data))).toEqual({
            kind: 'bundle',
            store,
            chain: who,
            first,
            last,
            hash: h,
          });
          expect(parseName(registryName(at, n, data, true))).toEqual({
            kind: 'registry',
            store,
            slot: n,
            hash: h,
            hot: true,
          });
          expect(parseName(registryName(at, n, data, false))).toEqual({
            kind: 'registry',
            store,
            slot: n,
            hash: h,
            hot: false,
          });
          expect(parseName(voteName(at, who, n, data))).toEqual({ kind: 'vote', store, holder: who, slot: n, hash: h });
          expect(parseName(mailName(at, who, data))).toEqual({ kind: 'mail', store, holder: who, hash: h });
          expect(parseName(grantName(at, n, who, data))).toEqual({
            kind: 'grant',
            store,
            epoch: n,
            holder: who,
            hash: h,
          });
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  const good = [
    bundleName(root, chain, 1, 64, bytes),
    registryName(root, 5, bytes, true),
    registryName(root, 5, bytes, false),
    voteName(root, holder, 5, bytes),
    mailName(root, holder, bytes),
    grantName(root, 5, holder, bytes),
  ];

  it.each(good)('ignores every other form of %s', (name) => {
    expect(parseName(name)).toBeDefined();
    const others = [
      name.slice(0, -1),
      `${name}0`,
      `${name}/`,
      `${name}\n`,
      `/${name}`,
      `x${name}`,
      ` ${name}`,
      name.toUpperCase(),
      name.replace('p/', 'q/'),
      name.replace('/', '//'),
      name.replace(store, store.slice(1)),
      name.replace(store, `${store}0`),
      name.replace(store, `w${store.slice(1)}`),
      name.replace(/-/, '_'),
      name.replace(/-([^-]*)$/, '$1'),
      name.replace(hash, `-${hash}`),
      name.replace(hash, `${hash.slice(0, 25)}1`), // not canonical: the last two of 130 bits
      name.replace('hot', 'cold').replace('reg', 'registry').replace('grant', 'grants'),
    ];
    for (const other of others) expect([other, parseName(other)]).toEqual([other, undefined]);
  });

  it('ignores what is reserved, and names of other things', () => {
    for (const name of [
      '',
      'p',
      root,
      `${root}/`,
      `${root}/hot`,
      `${root}/hot/k-00000001-${hash}`,
      `${root}/ckpt/${hash}`,
      `${root}/pack/${hash}`,
      `${root}/blob/${hash}`,
      '.DS_Store',
      '__proto__',
    ]) {
      expect([name, parseName(name)]).toEqual([name, undefined]);
    }
  });

  it('ignores bundles that no chain has: commit 0, backwards, more than 64', () => {
    for (const [first, last] of [
      [0, 1],
      [0, 0],
      [5, 4],
      [1, 65],
    ] as const) {
      expect(parseName(bundleName(root, chain, first, last, bytes))).toBeUndefined();
    }
    expect(parseName(bundleName(root, chain, 1, 1, bytes))).toBeDefined();
  });

  it('knows nothing but what it can write again', () => {
    const alphabet = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz-/'.split(''));
    const noise = fc.string({ unit: alphabet, maxLength: 100 });
    const near = fc.tuple(fc.constantFrom(...good), fc.nat(), alphabet).map(([name, at, character]) => {
      const i = at % name.length;
      return name.slice(0, i) + character + name.slice(i + 1);
    });
    fc.assert(
      fc.property(fc.oneof(noise, near), (name) => {
        const parsed = parseName(name);
        if (parsed === undefined) return;
        expect(name).toBe(written(parsed));
      }),
      { seed: 2, numRuns: 5000 },
    );
  });
});

function written(name: Name): string {
  const number = (n: number) => base32(uintBytes(n, 5));
  const at = `p/${name.store}`;
  switch (name.kind) {
    case 'bundle':
      return `${at}/hot/c-${name.chain}-${number(name.first)}-${number(name.last)}-${name.hash}`;
    case 'registry':
      return `${at}/${name.hot ? 'hot/r-' : 'reg/'}${number(name.slot)}-${name.hash}`;
    case 'vote':
      return `${at}/hot/v-${name.holder}-${number(name.slot)}-${name.hash}`;
    case 'mail':
      return `${at}/hot/m-${name.holder}-${name.hash}`;
    case 'grant':
      return `${at}/grant/${number(name.epoch)}-${name.holder}-${name.hash}`;
  }
}

function bytesOf(length: number): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((array) => new Uint8Array(array));
}
