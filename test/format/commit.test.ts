/** Headers and updates: what is accepted, and one refusal for each field. */
import { Tokenizer } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { copy, equal, hex, utf8 } from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { chainId } from '../../src/crypto/keys.ts';
import { publicKeyOf } from '../../src/crypto/sign.ts';
import { hash, info } from '../../src/crypto/statements.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { signCommit, verifyCommit } from '../../src/format/bundle.ts';
import {
  commitId,
  type CommitRef,
  compareRefs,
  encodeHeader,
  parseHeader,
  prevRef,
  rootOfNothing,
  type Header,
} from '../../src/format/commit.ts';
import {
  encodeBlock,
  encodeUpdate,
  isKey,
  parseUpdate,
  splitBlock,
  updateId,
  type Update,
} from '../../src/format/update.ts';
import type { PassportError } from '../../src/errors.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('commit');
const pid = random(32);
const device = random(16);
const incarnation = random(16);
const chain = chainId(pid, device, incarnation);
const other = { chain: random(16), seq: 9, id: random(32) };
const before = { chain, seq: 6, id: random(32) };
const sorted = [before, other].sort((a, b) => (hex(a.chain) < hex(b.chain) ? -1 : 1));

const header: Header = {
  device,
  incarnation,
  seq: 7,
  prev: before.id,
  ctx: sorted,
  registry: random(32),
  time: 1_800_000_000_000,
  count: 3,
  root: random(32),
  acks: [4],
};

describe('the order of heads', () => {
  it('is by chain, then by number, then by id', () => {
    const ref = (chain: number, seq: number, id: number): CommitRef => ({
      ...{ chain: new Uint8Array(16).fill(chain), seq, id: new Uint8Array(32).fill(id) },
    });
    const inOrder = [ref(1, 1, 9), ref(1, 2, 1), ref(1, 2, 3), ref(1, 10, 0), ref(2, 1, 0), ref(2, 1, 1)];
    for (const [i, a] of inOrder.entries())
      for (const [j, b] of inOrder.entries()) expect(Math.sign(compareRefs(a, b))).toBe(Math.sign(i - j));
  });
});

describe('a commit header', () => {
  it('comes back as it was written, with the ids that follow from it', () => {
    const bytes = encodeHeader(header);
    const parsed = parseHeader(pid, bytes);
    expect(parsed).toEqual({ ...header, chain, id: hash(pid, 'commit', sha256(bytes)) });
    expect(prevRef(parsed)).toEqual(before);
  });

  it('is the array of docs/protocol.md, 6', () => {
    const ctx = sorted.map(({ chain: at, seq, id }) => [at, seq, id]);
    const expected = [device, incarnation, 7, before.id, ctx, header.registry, header.time, 3, header.root, [[0, 4]]];
    expect(decode(encodeHeader(header))).toEqual(expected);
  });

  it('is signed over its id', () => {
    const seed = random(32);
    const id = commitId(pid, encodeHeader(header));
    const signature = signCommit(seed, pid, id);
    expect(verifyCommit(publicKeyOf(seed), signature, pid, id)).toBe(true);
    expect(verifyCommit(publicKeyOf(seed), signature, pid, random(32))).toBe(false);
    expect(verifyCommit(publicKeyOf(seed), signature, random(32), id)).toBe(false);
    expect(hex(info(pid, 'commit-id', id))).toContain(hex(utf8('passport-mesh/v1/commit-id')));
  });

  const first = { ...header, seq: 1, prev: null, ctx: [other] };
  const again = { ...header, seq: 1, prev: other.id, ctx: [other] };
  it('may begin a chain: the very first one, or after another incarnation', () => {
    expect(prevRef(parseHeader(pid, encodeHeader(first)))).toBeUndefined();
    expect(prevRef(parseHeader(pid, encodeHeader(again)))).toEqual(other);
  });

  it('may have two heads of one chain, that of a clone', () => {
    const clones = [1, 2].map((n) => ({ chain: other.chain, seq: 9, id: new Uint8Array(32).fill(n) }));
    const ctx = [...clones, before].sort((a, b) =>
      hex(a.chain) < hex(b.chain) ? -1 : hex(a.chain) > hex(b.chain) ? 1 : 0,
    );
    expect(parseHeader(pid, encodeHeader({ ...header, ctx })).ctx).toHaveLength(3);
  });

  const refused: readonly (readonly [string, Partial<Header>])[] = [
    ['a device of 15 bytes', { device: random(15) }],
    ['an incarnation of 17 bytes', { incarnation: random(17) }],
    ['another incarnation than that of the commit before', { incarnation: random(16) }],
    ['another device than that of the commit before', { device: random(16) }],
    ['number 0', { seq: 0 }],
    ['a number that a name cannot hold', { seq: 2 ** 40 }],
    ['a number that does not follow the commit before', { seq: 8 }],
    ['no commit before and another number than 1', { prev: null }],
    ['a commit before of 31 bytes', { prev: random(31) }],
    ['a commit before that is not among its heads', { prev: random(32) }],
    ['a commit before of its own chain at number 1', { seq: 1 }],
    ['heads that are not sorted', { ctx: [...sorted].reverse() }],
    ['a head twice', { ctx: [sorted[0]!, ...sorted] }],
    [
      '65 heads',
      {
        ctx: [...Array.from({ length: 64 }, (_, i) => ({ ...other, seq: i + 1 })), before].sort((a, b) =>
          hex(a.chain) < hex(b.chain) ? -1 : 1,
        ),
      },
    ],
    ['a head with number 0', { ctx: sorted.map((ref) => (ref === other ? { ...ref, seq: 0 } : ref)) }],
    ['a head with a short chain', { ctx: sorted.map((ref) => (ref === other ? { ...ref, chain: random(15) } : ref)) }],
    ['a head with a short id', { ctx: sorted.map((ref) => (ref === other ? { ...ref, id: random(31) } : ref)) }],
    ['a registry entry of 33 bytes', { registry: random(33) }],
    ['4,097 updates', { count: 4097 }],
    ['a root of 31 bytes', { root: random(31) }],
    ['a root and no updates', { count: 0 }],
    ['17 acknowledgements', { acks: Array.from({ length: 17 }, (_, i) => i) }],
  ];
  for (const [what, change] of refused) {
    it(`with ${what} is malformed`, () => {
      expect(codeOf(() => parseHeader(pid, encodeHeader({ ...header, ...change })))).toBe('malformed');
    });
  }

  it('without updates has the root of nothing', () => {
    const empty = { ...header, count: 0, root: rootOfNothing() };
    expect(parseHeader(pid, encodeHeader(empty)).count).toBe(0);
    expect(hex(rootOfNothing())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  const fields = decode(encodeHeader(header)) as Value[];
  it('with a field missing, added, or of another type is malformed', () => {
    expect(codeOf(() => parseHeader(pid, encode(fields.slice(0, -1))))).toBe('malformed');
    expect(codeOf(() => parseHeader(pid, encode([...fields, 0])))).toBe('malformed');
    for (let i = 0; i < fields.length; i++) {
      const wrong = fields.map((field, at) => (at === i ? 'text' : field));
      expect(codeOf(() => parseHeader(pid, encode(wrong)))).toBe('malformed');
    }
    const acks = (value: Value) => fields.map((field, at) => (at === 9 ? value : field));
    expect(codeOf(() => parseHeader(pid, encode(acks([[1, 4]]))))).toBe('malformed');
  });

  it('cut off, extended, or in another encoding is malformed', () => {
    const bytes = encodeHeader(header);
    for (let length = 0; length < bytes.length; length++)
      expect(codeOf(() => parseHeader(pid, bytes.slice(0, length)))).toBe('malformed');
    expect(codeOf(() => parseHeader(pid, Uint8Array.of(...bytes, 0)))).toBe('malformed');
    const long = Uint8Array.of(0x98, 10, ...bytes.slice(1)); // the array's length in two bytes
    expect(codeOf(() => parseHeader(pid, long))).toBe('malformed');
    expect(codeOf(() => parseHeader(pid, new Uint8Array(9000)))).toBe('malformed');
  });

  it('of more than 8 KiB is malformed before a decoder sees it', () => {
    const decoder = vi.spyOn(Tokenizer.prototype, 'next');
    for (const [length, decoded] of [
      [8192, true],
      [8193, false],
    ] as const) {
      decoder.mockClear();
      // A byte string of its own, with three bytes in front.
      expect(codeOf(() => parseHeader(pid, encode(new Uint8Array(length - 3))))).toBe('malformed');
      expect(decoder.mock.calls.length > 0).toBe(decoded);
    }
    decoder.mockRestore();
  });

  it('with any bit flipped is malformed or another commit', () => {
    const bytes = encodeHeader(header);
    const { id } = parseHeader(pid, bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const flipped = copy(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      let outcome: string;
      try {
        outcome = equal(parseHeader(pid, flipped).id, id) ? 'the same' : 'another';
      } catch (error) {
        outcome = (error as PassportError).code;
      }
      expect(['another', 'malformed']).toContain(outcome);
    }
  });

  it('of any bytes ends in a PassportError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(codeOf(() => parseHeader(pid, copy(bytes)))).toBe('malformed');
      }),
      { seed: 1 },
    );
  });
});

describe('an update', () => {
  const update: Update = { key: 'notes/café', op: 'put', type: 'text', value: utf8('hello'), reason: null };

  it('comes back as it was written', () => {
    for (const each of [
      update,
      { ...update, op: 'delete', value: new Uint8Array(0) },
      { ...update, reason: ['resolve', random(32)] },
      { ...update, reason: ['adopt', random(32)] },
      { ...update, value: new Uint8Array(1024 * 1024) },
    ] satisfies Update[]) {
      expect(parseUpdate(encodeUpdate(each))).toEqual(each);
    }
  });

  it('is the array of docs/protocol.md, 6, and its id is that of its place', () => {
    expect(decode(encodeUpdate({ ...update, op: 'delete', reason: ['resolve', pid] }))).toEqual([
      'notes/café',
      1,
      'text',
      utf8('hello'),
      ['resolve', pid],
    ]);
    const commit = random(32);
    expect(updateId(pid, commit, 4)).toEqual(hash(pid, 'update', commit, 4));
  });

  const keys: readonly (readonly [string, string, boolean])[] = [
    ['of one character', 'a', true],
    ['of 1024 bytes', 'a'.repeat(1024), true],
    ['of 1024 bytes in 512 characters', 'é'.repeat(512), true],
    ['of a space', ' ', true],
    ['that is empty', '', false],
    ['of 1025 bytes', 'a'.repeat(1025), false],
    ['of 1026 bytes in 513 characters', 'é'.repeat(513), false],
    ['with U+0000', 'a\0b', false],
    ['with half a surrogate pair', 'a\ud800', false],
  ];
  it('with a key that is not in NFC, or of characters that are not assigned, is read and not written', () => {
    for (const key of ['cafe\u0301', 'a\u0378']) {
      expect(isKey(key)).toBe(true);
      expect(codeOf(() => encodeUpdate({ ...update, key }))).toBe('invalid-key');
      expect(parseUpdate(encode([key, 0, '', utf8(''), null])).key).toBe(key);
    }
  });

  for (const [what, key, allowed] of keys) {
    it(`with a key ${what} is ${allowed ? 'accepted' : 'refused'}`, () => {
      expect(isKey(key)).toBe(allowed);
      expect(codeOf(() => encodeUpdate({ ...update, key }))).toBe(allowed ? 'no error' : 'invalid-key');
    });
  }

  it('with a value of more than 1 MiB, or a type beyond the limit, is too large', () => {
    expect(() => encodeUpdate({ ...update, value: new Uint8Array(1024 * 1024 + 1) })).toThrow(
      expect.objectContaining({ code: 'value-too-large', details: { limit: 1024 * 1024, size: 1024 * 1024 + 1 } }),
    );
    const type = 't'.repeat(5000);
    expect(codeOf(() => encodeUpdate({ ...update, type, value: new Uint8Array(1024 * 1024) }))).toBe('value-too-large');
  });

  const malformed: readonly (readonly [string, Value])[] = [
    ['four fields', ['a', 0, '', utf8('')]],
    ['a sixth field', ['a', 0, '', utf8(''), null, null]],
    ['a key of bytes', [utf8('a'), 0, '', utf8(''), null]],
    ['a key that is not allowed', ['', 0, '', utf8(''), null]],
    ['op 2', ['a', 2, '', utf8(''), null]],
    ['a type of bytes', ['a', 0, utf8(''), utf8(''), null]],
    ['a value of text', ['a', 0, '', '', null]],
    ['a value of more than 1 MiB', ['a', 0, '', new Uint8Array(1024 * 1024 + 1), null]],
    ['a delete with a value', ['a', 1, '', utf8('x'), null]],
    ['an unknown reason', ['a', 0, '', utf8(''), ['because', pid]]],
    ['a reason without an id', ['a', 0, '', utf8(''), ['adopt']]],
    ['a reason with a short id', ['a', 0, '', utf8(''), ['adopt', random(31)]]],
  ];
  for (const [what, value] of malformed) {
    it(`with ${what} is malformed`, () => {
      expect(codeOf(() => parseUpdate(encode(value)))).toBe('malformed');
    });
  }
});

describe('a block of updates', () => {
  const updates = [0, 10, 3000].map((length) => ({ blind: random(32), update: random(length + 1) }));

  it('comes apart as it was put together', () => {
    expect(splitBlock(encodeBlock(updates), 3)).toEqual(updates);
    expect(splitBlock(encodeBlock([]), 0)).toEqual([]);
  });

  it('cut off anywhere else than between updates is malformed', () => {
    const block = encodeBlock(updates.slice(0, 2));
    const between = new Set([0, 37, block.length]);
    for (let length = 0; length <= block.length; length++) {
      expect(codeOf(() => splitBlock(block.slice(0, length), 3))).toBe(between.has(length) ? 'no error' : 'malformed');
    }
  });

  it('with more updates than its header says is malformed', () => {
    expect(codeOf(() => splitBlock(encodeBlock(updates), 2))).toBe('malformed');
  });

  it('with a length beyond its end is malformed, and nothing is allocated for it', () => {
    const block = encodeBlock(updates.slice(0, 1));
    block.set([0xff, 0xff, 0xff, 0xff], 32);
    expect(codeOf(() => splitBlock(block, 1))).toBe('malformed');
  });
});
