/** Vectors of entries that are no entries: what the tables of docs/protocol.md, 5, refuse. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { encodeEntry, type Entry } from '../../../src/format/entry.ts';
import { brokenForms } from '../forms.ts';
import { type Maker, row } from '../maker.ts';

const CORE = [
  'pid',
  'slot',
  'prev',
  'birth',
  'request',
  'promises',
  'approvals',
  'roles',
  'time',
  'holders',
  'threshold',
  'epoch',
  'epoch part',
  'unlock devices',
];

export async function entryForms(m: Maker, before: { given: string }, good: Entry): Promise<void> {
  const outer = decode(good.bytes) as Value[];
  for (const [name, entry, why] of brokenForms(outer, ['core', 'dealer', 'vault'], ['dealer', 'vault']))
    await m.fail(`form-${name}`, 'entry-valid', { before, entry }, 'parse', `the entry: ${why}`);
  const core = decode(outer[0] as Bytes) as Value[];
  const wrapped = (bytes: Bytes) => encodeEntry(bytes, good.dealerSignature, good.vaultSignature);
  for (const [name, bytes, why] of brokenForms(core, CORE, ['pid', 'prev']))
    await m.fail(`form-core-${name}`, 'entry-valid', { before, entry: wrapped(bytes) }, 'parse', `the core: ${why}`);
  const put = (name: string, value: Value) =>
    wrapped(encode(core.map((each, i) => (i === CORE.indexOf(name) ? value : each))));
  const at = (name: string) => core[CORE.indexOf(name)] as Value[];
  const holder = at('holders')[0] as Value[];
  const change = (i: number, value: Value) =>
    put('holders', [holder.map((each, j) => (i === j ? value : each)), ...at('holders').slice(1)]);
  const bad: [string, Bytes, string][] = [
    ['slot-2-32', put('slot', 2 ** 32), 'a slot of 2^32'],
    ['round-2-32', put('birth', [2 ** 32, row(0, 16)]), 'a round of 2^32'],
    ['epoch-2-32', put('epoch', 2 ** 32), 'an epoch of 2^32'],
    ['request-16385', put('request', new Uint8Array(16_385)), 'a request of more than 16 KiB'],
    ['request-empty', put('request', new Uint8Array(0)), 'an empty request'],
    ['threshold-1', put('threshold', 1), 'N = 1'],
    ['threshold-33', put('threshold', 33), 'N = 33'],
    ['holders-1', put('holders', [holder]), 'one holder'],
    [
      'holders-33',
      put(
        'holders',
        Array.from({ length: 33 }, () => holder),
      ),
      '33 holders',
    ],
    [
      'promises-33',
      put(
        'promises',
        Array.from({ length: 33 }, () => at('promises')[0]!),
      ),
      '33 promises',
    ],
    [
      'approvals-33',
      put(
        'approvals',
        Array.from({ length: 33 }, () => at('approvals')[0]!),
      ),
      '33 approvals',
    ],
    ['seat-0', change(0, 0), 'seat 0'],
    ['id-15', change(1, row(0, 15)), 'a holder id of 15 bytes'],
    ['kind-2', change(2, 2), 'a holder of kind 2'],
    ['name-empty', change(3, ''), 'an empty name'],
    ['name-257', change(3, 'x'.repeat(257)), 'a name of 257 characters'],
    ['sign-key-31', change(4, row(0, 31)), 'a signing key of 31 bytes'],
    ['salt-15', put('epoch part', [[row(0, 15), 65_536, 3, 4], ...at('epoch part').slice(1)]), 'a salt of 15 bytes'],
    [
      'shares-1',
      put(
        'epoch part',
        at('epoch part').map((each, i) => (i === 4 ? (each as Value[]).slice(0, 1) : each)),
      ),
      'one share',
    ],
    [
      'kek-link-4097',
      put('epoch part', [...at('epoch part').slice(0, 6), new Uint8Array(4097)]),
      'a KEK link of 4,097 bytes',
    ],
    ['part-six', put('epoch part', at('epoch part').slice(0, 6)), 'an epoch part of six fields'],
  ];
  for (const [name, entry, why] of bad)
    await m.fail(`form-core-${name}`, 'entry-valid', { before, entry }, 'parse', why);
}
