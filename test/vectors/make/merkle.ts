/** Vectors of updates, their blocks and the signed root over them. */
import { type Bytes, concat, uintBytes } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { type BlindedUpdate, encodeBlock, encodeUpdate } from '../../../src/format/update.ts';
import { merkleRoot } from '../../../src/records/merkle.ts';
import { brokenForms } from '../forms.ts';
import { flip, Maker, row } from '../maker.ts';
import { Author, put } from './author.ts';

export async function makeMerkle(): Promise<Maker> {
  const m = new Maker(
    'merkle',
    'docs/protocol.md 6, Update and root',
    'Updates, the block of one commit, and the root that its author signed.',
  );
  const { random } = m;
  const pid = row(0);
  const anna = new Author(pid, random);
  const made = (count: number): BlindedUpdate[] =>
    Array.from({ length: count }, (_, i) => ({
      blind: random(32),
      update: encodeUpdate(put(`key ${i}`, `value ${i}`)),
    }));
  const data = (updates: readonly BlindedUpdate[]) => updates.map((each) => ({ ...each }));

  const example = {
    blind: row(0x20),
    update: encode(['ssh/id', 0, 'text/plain', new TextEncoder().encode('hi'), null]),
  };
  await m.pass(
    'root-example',
    'merkle-root',
    { updates: [example] },
    {
      source: 'docs/protocol.md 9',
      result: { root: '8d40aabf9362757c6663a72811012fa2cc443ffd24ca4f5fa06ae2a265615b3f' },
    },
  );
  for (const count of [0, 2, 3, 4, 5, 7, 8, 33])
    await m.pass(`root-${count}`, 'merkle-root', { updates: data(made(count)) });
  await m.pass('update-id', 'update-id', { pid, commit: row(5), index: 0 });
  await m.pass('update-id-4095', 'update-id', { pid, commit: row(5), index: 4095 });

  // Updates alone.
  const value = new TextEncoder().encode('hi');
  const fields: Value[] = ['ssh/id', 0, 'text/plain', value, null];
  const updates: [string, Value[]][] = [
    ['put', fields],
    ['delete', ['ssh/id', 1, '', new Uint8Array(0), null]],
    ['resolve', ['k', 0, 't', value, ['resolve', row(1)]]],
    ['adopt', ['k', 0, 't', value, ['adopt', row(1)]]],
    ['nfd', ['Gru\u0308ße', 0, '', new Uint8Array(0), null]],
    ['emoji', ['notes/Grüße 🛂', 0, '', new Uint8Array(0), null]],
    ['key-1024', ['k'.repeat(1024), 0, '', value, null]],
    ['value-max', ['k', 0, '', new Uint8Array(1024 * 1024), null]],
  ];
  for (const [name, each] of updates) {
    const bytes = encode(each);
    const long =
      bytes.length < 5000 ? bytes : [bytes.slice(0, 10), { repeat: '00', length: bytes.length - 11 }, bytes.slice(-1)];
    await m.pass(`update-${name}`, 'update-parse', { update: long });
  }
  const bad: [string, Bytes, string][] = [
    ...brokenForms(fields, ['key', 'op', 'type', 'value']).map(([name, bytes, why]): [string, Bytes, string] => [
      name,
      bytes,
      why,
    ]),
    ['key-empty', encode(['', ...fields.slice(1)]), 'an empty key'],
    ['key-1025', encode(['k'.repeat(1025), ...fields.slice(1)]), 'a key of 1,025 bytes'],
    ['key-utf8', encode(['ß'.repeat(513), ...fields.slice(1)]), 'a key of 1,026 bytes of UTF-8'],
    ['key-nul', encode(['a\0b', ...fields.slice(1)]), 'U+0000 in the key'],
    ['op-2', encode(['k', 2, 't', value, null]), 'op 2'],
    ['reason-text', encode(['k', 0, 't', value, 'resolve']), 'the reason is a text'],
    ['reason-other', encode(['k', 0, 't', value, ['merge', row(1)]]), 'an unknown reason'],
    ['reason-31', encode(['k', 0, 't', value, ['adopt', row(1, 31)]]), 'an id of 31 bytes'],
    ['reason-one', encode(['k', 0, 't', value, ['adopt']]), 'no id'],
    ['delete-value', encode(['k', 1, 't', value, null]), 'a delete with a value'],
  ];
  for (const [name, bytes, why] of bad) await m.fail(`update-${name}`, 'update-parse', { update: bytes }, 'parse', why);
  const over = encode(['k', 0, '', new Uint8Array(1024 * 1024 + 1), null]);
  await m.fail(
    'update-value-over',
    'update-parse',
    { update: [over.slice(0, 10), { repeat: '00', length: over.length - 11 }, over.slice(-1)] },
    'parse',
    'a value of 1 MiB and a byte',
  );
  await m.fail(
    'update-bound',
    'update-parse',
    { update: [{ repeat: '00', length: 1024 * 1024 + 4097 }] },
    'bound',
    'more than 1 MiB and 4 KiB',
  );

  // The block of a commit against its header.
  const three = anna.commit({ writes: [put('a', '1'), put('b', '2'), put('c', '3')] });
  const [one, two, last] = three.updates as [BlindedUpdate, BlindedUpdate, BlindedUpdate];
  const of = (block: Bytes, header = three.header) => ({ pid, header, block });
  const block = encodeBlock(three.updates);
  await m.pass('block', 'block-open', of(block));
  const single = anna.commit({ writes: [put('a', '1')] });
  await m.pass('block-1', 'block-open', of(encodeBlock(single.updates), single.header));
  await m.pass('block-0', 'block-open', of(new Uint8Array(0), anna.commit().header));
  const blocks: [string, Bytes, 'commitment' | 'parse', string][] = [
    ['swapped', encodeBlock([two, one, last]), 'commitment', 'two updates are swapped'],
    ['reversed', encodeBlock([last, two, one]), 'commitment', 'the updates in reverse'],
    ['repeated', encodeBlock([one, two, two]), 'commitment', 'one update twice'],
    ['missing', encodeBlock([one, two]), 'commitment', 'the last update is missing'],
    ['missing-first', encodeBlock([two, last]), 'commitment', 'the first update is missing'],
    ['none', new Uint8Array(0), 'commitment', 'no update'],
    ['more', encodeBlock([one, two, last, last]), 'parse', 'an update is too many'],
    ['blind', flip(block, 0), 'commitment', 'a bit of a blind is flipped'],
    [
      'blinds-swapped',
      encodeBlock([{ ...one, blind: two.blind }, { ...two, blind: one.blind }, last]),
      'commitment',
      'the blinds are swapped',
    ],
    ['blind-zero', encodeBlock([{ ...one, blind: new Uint8Array(32) }, two, last]), 'commitment', 'a blind of zeros'],
    ['key', encodeBlock([{ ...one, update: encodeUpdate(put('A', '1')) }, two, last]), 'commitment', 'another key'],
    ['value', encodeBlock([one, { ...two, update: encodeUpdate(put('b', '3')) }, last]), 'commitment', 'another value'],
    [
      'type',
      encodeBlock([one, two, { ...last, update: encodeUpdate({ ...put('c', '3'), type: 'other' }) }]),
      'commitment',
      'another type',
    ],
    [
      'reason',
      encodeBlock([one, two, { ...last, update: encodeUpdate({ ...put('c', '3'), reason: ['adopt', row(1)] }) }]),
      'commitment',
      'another reason',
    ],
    ['cut', block.slice(0, -1), 'parse', 'the last byte is missing'],
    ['trailing', concat(block, Uint8Array.of(0)), 'parse', 'a byte follows'],
    ['short-frame', block.slice(0, 35), 'parse', 'shorter than blind and length'],
    [
      'length-over',
      concat(block.slice(0, 32), uintBytes(2 ** 32 - 1, 4), block.slice(36)),
      'parse',
      'a length of 2^32-1',
    ],
    [
      'length-less',
      concat(block.slice(0, 32), uintBytes(one.update.length - 1, 4), block.slice(36)),
      'parse',
      'a length of one less',
    ],
    ['other-commit', encodeBlock(single.updates), 'commitment', 'the block of another commit'],
    ['node-as-leaf', nodeAsLeaf([one, two]), 'commitment', 'an inner node in place of two leaves'],
  ];
  for (const [name, bytes, layer, why] of blocks) await m.fail(`block-${name}`, 'block-open', of(bytes), layer, why);
  // Headers whose root is made by another rule: what an implementation of the wrong tree would accept.
  const wrong: [string, Bytes, string][] = [
    [
      'root-unblinded',
      merkleRoot([one, two, last].map(({ update }) => ({ blind: new Uint8Array(0), update }))),
      'a root without blinds',
    ],
    ['root-duplicated', merkleRoot([one, two, last, last]), 'an odd leaf is doubled, as in Bitcoin'],
    ['root-of-two', merkleRoot([one, two]), 'a root over two of three'],
  ];
  for (const [name, root, why] of wrong)
    await m.fail(name, 'block-open', of(block, anna.commit({ count: 3, root }).header), 'commitment', why);
  const raw: [string, Bytes, string][] = [
    ['block-not-cbor', Uint8Array.of(0xff), 'an update that is no CBOR'],
    ['block-key-nul', encode(['a\0', 0, '', new Uint8Array(0), null]), 'an update whose key is refused'],
  ];
  for (const [name, update, why] of raw) {
    const odd = [{ blind: random(32), update }];
    const header = anna.commit({ count: 1, root: merkleRoot(odd) }).header;
    await m.fail(name, 'block-open', of(encodeBlock(odd), header), 'parse', `${why}, and the root is over it`);
  }
  return m;
}

/** One "update" whose hash would be a node if leaves and nodes were hashed alike. */
function nodeAsLeaf(pair: readonly BlindedUpdate[]): Bytes {
  const [left, right] = pair.map((each) => merkleRoot([each])) as [Bytes, Bytes];
  return encodeBlock([{ blind: left, update: right }]);
}
