/**
 * The contract suite that others run on their stores catches what it is for: small stores with one planted fault each, and the rules
 * that fail for it. An honest store breaks none.
 */
import { describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { createMemoryStore } from '../../src/storage/memory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { describeStore } from '../../src/testing/index.ts';

/** Runs the suite without a test runner: the rules that fail. */
async function broken(make: () => Store): Promise<string[]> {
  const rules: [string, () => Promise<void>][] = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (rule: string, body: () => Promise<void>) => void rules.push([rule, body]),
  };
  describeStore('a store', async () => ({ store: make() }), { ...runner, names: 1001 });
  expect(rules.length).toBeGreaterThan(20);
  const failed: string[] = [];
  for (const [rule, body] of rules) await body().catch(() => failed.push(rule));
  return failed;
}

const planted = (change: (inner: Store) => Partial<Store>) => () => {
  const inner = createMemoryStore();
  return { ...inner, ...change(inner) };
};

async function* filtered(names: AsyncIterable<string>, keep: (name: string, index: number) => boolean) {
  let index = 0;
  for await (const name of names) if (keep(name, index++)) yield name;
}

it('an honest store breaks no rule', async () => {
  expect(await broken(createMemoryStore)).toEqual([]);
});

describe('a store', () => {
  it.each<[string, (inner: Store) => Partial<Store>, RegExp]>([
    [
      'that tears large objects',
      (inner) => ({ put: (name, bytes, options) => inner.put(name, bytes.subarray(0, 2 ** 20), options) }),
      /^32 MiB comes back the same/,
    ],
    [
      'that refuses an empty object',
      (inner) => ({
        put: async (name, bytes, options) => {
          if (bytes.length === 0) throw new Error('empty');
          await inner.put(name, bytes, options);
        },
      }),
      /^an empty object/,
    ],
    [
      'that takes bytes for text',
      (inner) => ({
        put: (name, bytes, options) =>
          inner.put(name, new TextEncoder().encode(new TextDecoder().decode(bytes)), options),
      }),
      /^every byte value/,
    ],
    [
      'that does not replace an object',
      (inner) => ({
        put: async (name, bytes, options) => {
          if ((await inner.get(name)) === undefined) await inner.put(name, bytes, options);
        },
      }),
      /^a second put of a name/,
    ],
    [
      'that lists one page only',
      (inner) => ({ list: (prefix, options) => filtered(inner.list(prefix, options), (_, i) => i < 1000) }),
      /^one listing gives 1001 names/,
    ],
    [
      'that lists a name twice',
      (inner) => ({
        async *list(prefix, options) {
          for await (const name of inner.list(prefix, options)) yield* [name, name];
        },
      }),
      /^one listing gives 1001 names/,
    ],
    [
      'that takes a prefix for a string',
      (inner) => ({
        async *list(prefix, options) {
          for await (const name of inner.list('a', options)) if (name.startsWith(prefix)) yield name;
          for (const top of ['a-', 'ab', 'p', 'b', '0'.repeat(80)])
            for await (const name of inner.list(top, options)) if (name.startsWith(prefix)) yield name;
          if (prefix.startsWith('a') && (await inner.get('ac')) !== undefined) yield 'ac';
        },
      }),
      /^a prefix is whole segments/,
    ],
    [
      'that lists one level only',
      (inner) => ({
        list: (prefix, options) =>
          filtered(inner.list(prefix, options), (name) => !name.slice(prefix.length + 1).includes('/')),
      }),
      /^a prefix is whole segments/,
    ],
    [
      'that does not listen to an abort',
      (inner) => ({
        get: (name, options = {}) =>
          inner.get(name, options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
        put: (name, bytes) => inner.put(name, bytes),
      }),
      /^a call that is aborted before it begins/,
    ],
    [
      'that goes on listing after an abort',
      (inner) => ({ list: (prefix) => inner.list(prefix) }),
      /^an aborted listing/,
    ],
    [
      'that fails when it deletes what is not there',
      (inner) => ({
        delete: async (name, options) => {
          if ((await inner.get(name)) === undefined) throw new Error('not there');
          await inner.delete(name, options);
        },
      }),
      /^deleting removes one object and may be repeated/,
    ],
    [
      'that deletes what begins like the name',
      (inner) => ({
        delete: async (name, options) => {
          await inner.delete(name, options);
          for await (const other of inner.list('p')) if (other.startsWith(name)) await inner.delete(other);
        },
      }),
      /^deleting removes one object/,
    ],
    [
      'that keeps the buffer of its caller',
      () => {
        const kept = new Map<string, Uint8Array<ArrayBuffer>>();
        return {
          put: async (name, bytes) => void kept.set(name, bytes),
          get: async (name) => kept.get(name),
        };
      },
      /^no buffer is shared/,
    ],
    [
      'that puts the whole buffer behind a view',
      (inner) => ({ put: (name, bytes, options) => inner.put(name, new Uint8Array(bytes.buffer), options) }),
      /^a view into a larger buffer/,
    ],
    [
      'that reads whatever the size',
      (inner) => ({ get: (name, options = {}) => inner.get(name, options.signal ? { signal: options.signal } : {}) }),
      /^an object larger than the caller asks for/,
    ],
    [
      'that loses one of two puts at once',
      (inner) => {
        let busy = false;
        return {
          put: async (name, bytes, options) => {
            if (busy && bytes.length === 10_000) return;
            busy = true;
            await new Promise((resolve) => setTimeout(resolve, 1));
            await inner.put(name, copy(bytes), options);
            busy = false;
          },
        };
      },
      /^twenty writers at once/,
    ],
    [
      'that takes any name',
      (inner) => ({
        delete: async (name, options) => (/^[a-z0-9/-]+$/.test(name) ? inner.delete(name, options) : undefined),
      }),
      /^a name outside the grammar/,
    ],
    [
      'that shortens long names',
      (inner) => {
        const short = (name: string) =>
          name
            .split('/')
            .map((segment) => segment.slice(0, 40))
            .join('/') || name;
        return {
          list: (prefix, options) => inner.list(short(prefix), options),
          put: (name, bytes, options) => inner.put(short(name), bytes, options),
          get: (name, options) => inner.get(short(name), options),
        };
      },
      /^the longest name works/,
    ],
  ])('%s breaks a rule that says so', async (_, change, rule) => {
    expect((await broken(planted(change))).filter((each) => rule.test(each))).toHaveLength(1);
  });
});
