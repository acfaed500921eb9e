/** Vectors of commit headers: ids, signatures, the form, and what a header says of the commit before. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { chainId } from '../../../src/crypto/keys.ts';
import { signStatement } from '../../../src/crypto/sign.ts';
import { compareRefs, type CommitRef } from '../../../src/format/commit.ts';
import { brokenForms } from '../forms.ts';
import { flip, Maker, row, splice } from '../maker.ts';
import { Author, type Commit, put } from './author.ts';

const FIELDS = ['device', 'incarnation', 'seq', 'prev', 'ctx', 'registry', 'time', 'n', 'root', 'acks'];
const LENGTHS = ['device', 'incarnation', 'registry', 'root'];

export async function makeCommit(): Promise<Maker> {
  const m = new Maker('commit', 'docs/protocol.md 6', 'Headers of commits and the signatures of their authors.');
  const { random } = m;
  const pid = row(0);
  const [anna, berta] = [new Author(pid, random), new Author(pid, random)];
  const registry = row(0x30);
  const a1 = anna.commit({ registry });
  const b1 = berta.commit({ registry });
  const a2 = anna.commit({ registry, after: a1, knows: [b1], writes: [put('x', '1'), put('y', '2')], acks: [0, 3] });
  const input = ({ header, signature }: Commit, author = anna) => ({ pid, header, signature, signKey: author.signKey });

  await m.pass('first', 'commit-verify', input(a1));
  await m.pass('second', 'commit-verify', input(a2));
  await m.pass('new-incarnation', 'commit-verify', input(anna.commit({ registry, prev: a2.id, knows: [a2] })));
  await m.pass('seq-max', 'commit-verify', input(anna.commit({ registry, ...far(pid, anna, 2 ** 40 - 1) })));
  await m.pass('n-max', 'commit-verify', input(anna.commit({ registry, count: 4096, root: row(3) })));
  await m.pass('time-max', 'commit-verify', input(anna.commit({ registry, time: Number.MAX_SAFE_INTEGER })));
  await m.pass(
    'acks-16',
    'commit-verify',
    input(anna.commit({ registry, acks: Array.from({ length: 16 }, (_, i) => i) })),
  );
  const heads = Array.from({ length: 65 }, (_, i): CommitRef => ({ chain: row(i, 16), seq: i + 1, id: row(i) }));
  await m.pass('ctx-64', 'commit-verify', input(anna.commit({ registry, knows: heads.slice(0, 64) })));
  await m.pass(
    'ctx-clones',
    'commit-verify',
    input(anna.commit({ registry, knows: [heads[0]!, { ...heads[0]!, id: row(9) }, { ...heads[0]!, seq: 9 }] })),
  );
  await m.pass('no-signature', 'commit-verify', { pid, header: a2.header });

  // The signature.
  const good = input(a2);
  const sign = (use: string, ...fields: Value[]) => signStatement(anna.seed, pid, use, ...fields);
  const signatures: [string, Bytes, string][] = [
    ['bit-r', flip(a2.signature, 0), 'a bit of R is flipped'],
    ['bit-s', flip(a2.signature, 32), 'a bit of S is flipped'],
    ['zero', new Uint8Array(64), '64 zeros'],
    ['63', a2.signature.slice(0, 63), '63 bytes'],
    ['65', Uint8Array.of(...a2.signature, 0), '65 bytes'],
    ['empty', new Uint8Array(0), 'no bytes'],
    ['s-plus-l', sPlusL(a2.signature), 'S + L'],
    ['other-commit', a1.signature, 'the signature of another commit'],
    ['other-author', signStatement(berta.seed, pid, 'commit-id', a2.id), 'by another device'],
    ['other-pid', signStatement(anna.seed, row(1), 'commit-id', a2.id), 'for another passport'],
    ['other-use', sign('commit', a2.id), 'of another use'],
    ['envelope', sign('envelope', a2.id), 'of another use'],
    ['header', sign('commit-id', a2.header), 'over the header, not over the id'],
    ['more-fields', sign('commit-id', a2.id, 0), 'over one field more'],
    ['no-fields', sign('commit-id'), 'over no field'],
  ];
  for (const [name, signature, why] of signatures)
    await m.fail(`signature-${name}`, 'commit-verify', { ...good, signature }, 'signature', why);
  await m.fail(
    'key-other',
    'commit-verify',
    { ...good, signKey: berta.signKey },
    'signature',
    'the key of another device',
  );
  await m.fail(
    'key-31',
    'commit-verify',
    { ...good, signKey: anna.signKey.slice(1) },
    'signature',
    'a key of 31 bytes',
  );
  await m.fail(
    'key-identity',
    'commit-verify',
    { ...good, signKey: splice(new Uint8Array(32), 0, [1]) },
    'signature',
    'a key of small order',
  );
  await m.fail(
    'pid-other',
    'commit-verify',
    { ...good, pid: flip(pid) },
    'order',
    'under another pid the chain is another one, and prev is not in it',
  );
  await m.fail('pid-other-first', 'commit-verify', { ...input(a1), pid: flip(pid) }, 'signature', 'another passport');

  // Each field changed after signing. Where the header is still one, the signature is of another id.
  const fields = decode(a2.header) as Value[];
  const known = fields[4] as Value[][];
  const changed = (i: number, value: Value) => encode(fields.map((each, at) => (at === i ? value : each)));
  const changes: [string, number, Value, 'signature' | 'order', string][] = [
    ['device', 0, flip(fields[0] as Bytes), 'order', 'the device: prev is of another chain'],
    ['incarnation', 1, flip(fields[1] as Bytes), 'order', 'the incarnation: prev is of another chain'],
    ['seq', 2, 3, 'order', 'the number: prev is not the one before'],
    ['seq-1', 2, 1, 'order', 'the number is 1, and prev is of this chain'],
    ['prev', 3, flip(fields[3] as Bytes), 'order', 'prev: no such head in ctx'],
    ['prev-null', 3, null, 'order', 'no prev, and not the first'],
    ['prev-foreign', 3, b1.id, 'order', 'prev is a head of another chain'],
    [
      'ctx-without-prev',
      4,
      known.filter((head) => hexOf(head[2]) !== hexOf(fields[3])),
      'order',
      'the commit before is not among the heads',
    ],
    ['ctx-empty', 4, [], 'order', 'no heads'],
    ['registry', 5, flip(fields[5] as Bytes), 'signature', 'the registry entry'],
    ['time', 6, 1001, 'signature', 'the time'],
    ['n', 7, 1, 'signature', 'the number of updates'],
    ['root', 8, flip(fields[8] as Bytes), 'signature', 'the root'],
    ['acks', 9, [[0, 3]], 'signature', 'an acknowledgement is gone'],
    [
      'acks-order',
      9,
      [
        [0, 3],
        [0, 0],
      ],
      'signature',
      'the acknowledgements in another order',
    ],
  ];
  for (const [name, i, value, layer, why] of changes)
    await m.fail(`changed-${name}`, 'commit-verify', { ...good, header: changed(i, value) }, layer, why);

  // The form, signed by its author.
  const forms = brokenForms(
    fields,
    FIELDS.filter((name) => name !== 'prev'),
    LENGTHS,
  );
  const at = (name: string) => FIELDS.indexOf(name);
  const put2 = (name: string, value: Value) => encode(fields.map((each, i) => (i === at(name) ? value : each)));
  const own: [string, Bytes, string][] = [
    ['prev-31', put2('prev', (fields[3] as Bytes).slice(1)), 'prev has 31 bytes'],
    ['prev-false', put2('prev', false), 'prev is false'],
    ['seq-0', put2('seq', 0), 'the number is 0'],
    ['seq-2-40', put2('seq', 2 ** 40), 'the number is 2^40'],
    ['n-4097', put2('n', 4097), '4,097 updates'],
    ['n-0-root', put2('n', 0), 'no updates, and a root'],
    ['ack-kind', put2('acks', [[1, 0]]), 'an acknowledgement of another kind'],
    ['ack-one', put2('acks', [[0]]), 'an acknowledgement without an epoch'],
    [
      'acks-17',
      put2(
        'acks',
        Array.from({ length: 17 }, (_, i) => [0, i]),
      ),
      '17 acknowledgements',
    ],
    ['ctx-order', put2('ctx', [...known].reverse()), 'the heads are not sorted'],
    ['ctx-twice', put2('ctx', [known[0]!, ...known]), 'a head comes twice'],
    ['ctx-seq-0', put2('ctx', [[row(0, 16), 0, row(0)]]), 'a head with number 0'],
    [
      'ctx-two',
      put2(
        'ctx',
        known.map((head) => head.slice(0, 2)),
      ),
      'heads without an id',
    ],
    [
      'ctx-65',
      put2(
        'ctx',
        [...heads].sort(compareRefs).map(({ chain, seq, id }) => [chain, seq, id]),
      ),
      '65 heads',
    ],
  ];
  for (const [name, header, why] of [...forms.map(([name, bytes, why]) => [name, bytes, why] as const), ...own])
    await m.fail(`form-${name}`, 'commit-verify', input(anna.signed(header)), 'parse', why);
  await m.fail(
    'first-with-prev',
    'commit-verify',
    input(anna.commit({ registry, prev: row(8) })),
    'order',
    'the first commit has a prev that is not among its heads',
  );
  await m.fail(
    'bound',
    'commit-verify',
    input(anna.signed(encode([...fields, row(0, 8192)]))),
    'bound',
    'more than 8,192 bytes',
  );
  return m;
}

const hexOf = (value: unknown) => Buffer.from(value as Uint8Array).toString('hex');

/** A header with a very large number, after one that nobody wrote. */
function far(pid: Bytes, { device }: Author, seq: number) {
  const incarnation = row(6, 16);
  const prev = row(0x77);
  return { incarnation, seq, prev, knows: [{ chain: chainId(pid, device, incarnation), seq: seq - 1, id: prev }] };
}

/** S + L, little-endian, which a lax verifier takes for the same signature. */
function sPlusL(signature: Bytes): Bytes {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = 0n;
  for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i]!);
  s += L;
  const out = signature.slice();
  for (let i = 32; i < 64; i++, s >>= 8n) out[i] = Number(s & 255n);
  return out;
}
