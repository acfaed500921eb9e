/** Vectors of causality and of the order of concurrent updates: what becomes of a commit, eff, ties, conflict ids. */
import { compare, type Bytes, hex } from '../../../src/bytes.ts';
import type { CommitRef } from '../../../src/format/commit.ts';
import { updateId } from '../../../src/format/update.ts';
import { type Fields, Maker, row } from '../maker.ts';
import type { Data } from '../schema.ts';
import { Author, type Commit, put } from './author.ts';

const MINUTE = 60_000;
const T = 1_800_000_000_000;

export async function makeOrder(): Promise<Maker> {
  const m = new Maker(
    'order',
    'docs/protocol.md 6, Causality and order',
    'What becomes of a commit (commit-fate), and which of several updates that stand is shown (view-order, view-check).',
  );
  const { random } = m;
  const pid = row(0);
  const [anna, berta, carla] = [new Author(pid, random), new Author(pid, random), new Author(pid, random)].sort(
    (a, b) => compare(a.device, b.device),
  ) as [Author, Author, Author];
  const [e0, e1, e2] = [row(0x30), row(0x31), row(0x32)];
  const all = [anna, berta, carla].map(({ device }) => device);
  const entries = [{ id: e0, time: T - 1000, devices: all }];
  const commitsOf = (...commits: Commit[]) =>
    commits.map(({ header, updates }) => ({ header, updates: updates.map((each) => ({ ...each })) }));
  const at = (author: Author, time: number, rest: object = {}) => author.commit({ registry: e0, time, ...rest });
  const writes = (value: string) => ({ writes: [put('x', value)] });
  const id = (commit: Commit, index = 0) => updateId(pid, commit.id, index);

  /** The whole order of one record, and a claim that is another order, for each. */
  async function ordered(name: string, commits: Commit[], standing: Bytes[], also: Fields = {}): Promise<void> {
    const input = { pid, entries, key: 'x', ...also, commits: commitsOf(...commits) };
    const result = (await m.pass(name, 'view-order', input)) as { standing: string[] };
    if (result.standing.join() !== standing.map(hex).join()) throw new Error(`order-${name} is another one`);
    if (standing.length < 2) return;
    const claim = { ...input, standing: standing.slice(0, -1) };
    await m.fail(`${name}-left-out`, 'view-check', claim, 'order', 'an update that stands is left out');
    await m.fail(
      `${name}-twice`,
      'view-check',
      { ...input, standing: [standing[0]!, ...standing] },
      'order',
      'the winner comes twice',
    );
  }
  async function notSo(
    name: string,
    commits: Commit[],
    standing: Bytes[],
    why: string,
    also: Fields = {},
  ): Promise<void> {
    await m.fail(
      `not-${name}`,
      'view-check',
      { pid, entries, key: 'x', ...also, commits: commitsOf(...commits), standing },
      'order',
      why,
    );
  }

  const [a, b, c] = [at(anna, T, writes('a')), at(berta, T + 1, writes('b')), at(carla, T + 2, writes('c'))];
  await ordered('times', [a, b, c], [id(c), id(b), id(a)]);
  await ordered('arrival', [c, a, b], [id(c), id(b), id(a)]);
  await notSo('times', [a, b, c], [id(a), id(b), id(c)], 'the smallest time first');
  await notSo('first-come', [c, a, b], [id(c), id(a), id(b)], 'the order of arrival');
  await notSo('one', [a, b, c], [id(c)], 'two updates that stand are left out');
  const tie = [at(anna, T, writes('a')), at(berta, T, writes('b')), at(carla, T, writes('c'))] as const;
  await ordered('tie-device', [...tie], [id(tie[2]), id(tie[1]), id(tie[0])]);
  await notSo(
    'tie-device',
    [...tie],
    [id(tie[0]), id(tie[1]), id(tie[2])],
    'with equal times the smaller device id first',
  );
  const twin = [at(anna, T, writes('a1')), at(anna, T, writes('a2'))].sort((x, y) => compare(y.id, x.id)) as [
    Commit,
    Commit,
  ];
  await ordered('tie-commit', twin, [id(twin[0]), id(twin[1])]);
  await notSo(
    'tie-commit',
    twin,
    [id(twin[1]), id(twin[0])],
    'with equal times and devices the smaller commit id first',
  );
  const double = anna.commit({ registry: e0, time: T, writes: [put('x', '1'), put('x', '2')] });
  await ordered('tie-index', [double], [id(double, 1), id(double, 0)]);
  await notSo('tie-index', [double], [id(double, 0), id(double, 1)], 'the smaller index first');
  const later = at(anna, T - 50_000, { after: a, ...writes('a later') });
  await ordered('replaced', [a, later], [id(later)]);
  await notSo('replaced', [a, later], [id(a)], 'an update with a larger time, that the other one replaced');
  await notSo('replaced-stands', [a, later], [id(a), id(later)], 'a replaced update does not stand');
  const seen = at(berta, T - 90_000, { knows: [a], ...writes('b knew') });
  await ordered('replaced-by-other', [a, seen], [id(seen)]);
  await notSo('replaced-by-other', [a, seen], [id(a)], 'time decides nothing between updates that knew of each other');

  // A clock that is years ahead.
  const far = at(anna, T + 40_000 * MINUTE, writes('far'));
  const witness = at(berta, T, { knows: [far] });
  const nine = at(carla, T + 9 * MINUTE, writes('nine'));
  const ten = at(carla, T + 10 * MINUTE, writes('ten'));
  const eleven = at(carla, T + 11 * MINUTE, writes('eleven'));
  await ordered('far-alone', [far, eleven], [id(far), id(eleven)]);
  await ordered('far-witnessed', [far, witness, eleven], [id(eleven), id(far)]);
  await ordered('far-within', [far, witness, nine], [id(far), id(nine)]);
  await ordered('far-equal', [far, witness, ten], [id(ten), id(far)]);
  await notSo(
    'far-witnessed',
    [far, witness, eleven],
    [id(far), id(eleven)],
    'a claimed time counts ten minutes past its first witness only',
  );
  await notSo(
    'far-within',
    [far, witness, nine],
    [id(nine), id(far)],
    'nine minutes after the witness the claimed time still counts',
  );
  await notSo('far-equal', [far, witness, ten], [id(far), id(ten)], 'eff is equal, the larger device id wins');
  const own = at(anna, T, { after: far });
  await ordered('far-own-witness', [far, own, eleven], [id(far), id(eleven)]);
  await notSo('far-own-witness', [far, own, eleven], [id(eleven), id(far)], 'a device does not witness itself');
  const late = at(berta, T + 60 * MINUTE, { knows: [far] });
  const back = at(berta, T, { after: late, knows: [far] });
  const half = at(carla, T + 30 * MINUTE, writes('half'));
  await ordered('first-witness', [far, late, back, half], [id(far), id(half)]);
  await notSo(
    'first-witness',
    [far, late, back, half],
    [id(half), id(far)],
    'only the first commit of a device witnesses, not a later one with a smaller time',
  );
  const behind = at(berta, T - 2000, { knows: [far] });
  await ordered('witness-behind', [far, behind, eleven], [id(far), id(eleven)]);
  await notSo(
    'witness-behind',
    [far, behind, eleven],
    [id(eleven), id(far)],
    'a witness whose time is below that of its registry entry does not count',
  );
  const waiting = at(berta, T, { knows: [far, { ...a, id: row(9) }] });
  await ordered('witness-waits', [far, waiting, eleven], [id(far), id(eleven)]);
  await notSo(
    'witness-waits',
    [far, waiting, eleven],
    [id(eleven), id(far)],
    'a witness that is not applied does not count',
  );

  const equal = [at(anna, T, writes('same')), at(berta, T + 5, writes('same'))] as const;
  await ordered('equal', [...equal], [id(equal[1]), id(equal[0])]);
  const conflict = (
    (await m.pass('conflict', 'view-order', { pid, entries, key: 'x', commits: commitsOf(a, b) })) as {
      conflict: string;
    }
  ).conflict;
  const standing = [id(b), id(a)];
  const claim = { pid, entries, key: 'x', commits: commitsOf(a, b), standing };
  await m.pass('claim', 'view-check', { ...claim, conflict });
  await m.fail(
    'conflict-grown',
    'view-check',
    { ...claim, commits: commitsOf(a, b, c), standing: [id(c), id(b), id(a)], conflict },
    'order',
    'the conflict id of two updates, and a third one stands',
  );
  await m.fail('conflict-other', 'view-check', { ...claim, conflict: row(1) }, 'order', 'another conflict id');
  await m.fail(
    'conflict-none',
    'view-check',
    { ...claim, commits: commitsOf(...equal), standing: [id(equal[1]), id(equal[0])], conflict },
    'order',
    'equal updates are no conflict',
  );

  await fates(m, pid, { anna, berta, carla }, [e0, e1, e2]);
  return m;
}

async function fates(
  m: Maker,
  pid: Bytes,
  { anna, berta, carla }: Record<'anna' | 'berta' | 'carla', Author>,
  ids: Bytes[],
): Promise<void> {
  const [e0, e1, e2] = ids as [Bytes, Bytes, Bytes];
  const all = [anna, berta, carla].map(({ device }) => device);
  const some = [anna, berta].map(({ device }) => device);
  const cut = (...heads: Commit[]) => [[carla.device, heads.map(({ id }) => id)]];
  const entries = (heads: Commit[] | null, more: Data[] = []) => [
    { id: e0, time: T, devices: all },
    { id: e1, time: T, devices: heads === null ? all : some, ...(heads === null ? {} : { cuts: cut(...heads) }) },
    ...more,
  ];
  const commits = (list: Commit[]) => list.map(({ header }) => ({ header }));
  const applied = (name: string, list: Commit[], fate: string, of: Data = entries(null)) =>
    m.pass(`fate-${name}`, 'commit-fate', { pid, entries: of, commits: commits(list) }, { result: { fate } });
  const refused = (
    name: string,
    list: Commit[],
    layer: 'order' | 'context' | 'revoked',
    why: string,
    of: Data = entries(null),
  ) => m.fail(`fate-${name}`, 'commit-fate', { pid, entries: of, commits: commits(list) }, layer, why);
  const ref = ({ chain, seq, id }: CommitRef) => ({ chain, seq, id });

  const a1 = anna.commit({ registry: e0, time: T });
  const a2 = anna.commit({ registry: e0, after: a1 });
  const b1 = berta.commit({ registry: e0, time: T });
  const c1 = carla.commit({ registry: e0, time: T });
  const c2 = carla.commit({ registry: e0, after: c1 });
  const c3 = carla.commit({ registry: e0, after: c2 });
  await applied('first', [a1], 'applied');
  await applied('second', [a1, a2], 'applied');
  await applied('order', [a2, a1], 'applied');
  await applied('hole', [a2], 'waits');
  await applied('knows', [b1, anna.commit({ registry: e0, knows: [b1] })], 'applied');
  await applied('knows-missing', [anna.commit({ registry: e0, knows: [b1] })], 'waits');
  await applied('entry-unknown', [anna.commit({ registry: e2 })], 'waits');
  const restored = anna.commit({ registry: e0, prev: a2.id, knows: [a2] });
  await applied('incarnation', [a1, a2, restored], 'applied');
  await applied('inside-cut', [c1, c2], 'applied', entries([c2]));
  await applied('cut-missing', [c2], 'waits', entries([c3]));
  await applied('clone', [a1, a2, anna.commit({ registry: e0, after: a1, time: T + 1 })], 'applied');

  // Rule 5: what a chain may not do.
  const knows = anna.commit({ registry: e0, knows: [b1] });
  const forgets = anna.commit({ registry: e0, after: knows, ctx: [ref(knows)] });
  await refused('forgets', [b1, knows, forgets], 'order', 'a head of the commit before is not in its ctx');
  const b2 = berta.commit({ registry: e0, after: b1 });
  const knows2 = anna.commit({ registry: e0, knows: [b2] });
  await refused(
    'goes-back',
    [b1, b2, knows2, anna.commit({ registry: e0, after: knows2, knows: [b1] })],
    'order',
    'its head of a chain is older than in the commit before',
  );
  const two = anna.commit({ registry: e0, knows: [b2, c2] });
  await refused(
    'forgets-one',
    [b1, b2, c1, c2, two, anna.commit({ registry: e0, after: two, knows: [b2] })],
    'order',
    'one of two heads is gone',
  );
  await refused(
    'both-back',
    [b1, b2, c1, c2, two, anna.commit({ registry: e0, after: two, knows: [b1, c1] })],
    'order',
    'both heads are older',
  );
  await refused(
    'swaps',
    [b1, b2, c1, c2, two, anna.commit({ registry: e0, after: two, knows: [b2, c1] })],
    'order',
    'one of two heads is older',
  );
  const newer = anna.commit({ registry: e1 });
  await refused(
    'registry-back',
    [newer, anna.commit({ registry: e0, after: newer })],
    'order',
    'its registry entry is older than that of the commit before',
  );
  const newer2 = anna.commit({ registry: e1, after: a1 });
  await refused(
    'registry-back-2',
    [a1, newer2, anna.commit({ registry: e0, after: newer2 })],
    'order',
    'its registry entry is older than that of the commit before',
  );
  const foreign = anna.commit({ registry: e0, prev: b1.id, knows: [b1] });
  await refused('foreign-prev', [b1, foreign], 'order', 'the commit before is by another device');
  const foreign2 = berta.commit({ registry: e0, prev: c2.id, knows: [c2, b1] });
  await refused('foreign-prev-2', [b1, c1, c2, foreign2], 'order', 'the commit before is by another device');
  const grown = anna.commit({ registry: e0, prev: a2.id, knows: [a2, b1] });
  await refused(
    'incarnation-forgets',
    [b1, a1, a2, grown, anna.commit({ registry: e0, prev: grown.id, knows: [grown] })],
    'order',
    'a new incarnation forgets a head of the commit before',
  );
  await refused(
    'incarnation-registry',
    [a1, newer2, anna.commit({ registry: e0, prev: newer2.id, knows: [newer2] })],
    'order',
    'a new incarnation names an older registry entry',
  );

  // Rule 2: who was no device.
  const stranger = new Author(pid, m.random);
  const dora = new Author(pid, m.random);
  const withDora = [
    { id: e0, time: T, devices: all },
    { id: e1, time: T, devices: [...all, dora.device] },
  ];
  await applied('entered', [dora.commit({ registry: e1 })], 'applied', withDora);
  await refused(
    'before-entering',
    [dora.commit({ registry: e0 })],
    'context',
    'it names an entry at which its author was no device yet',
    withDora,
  );
  await refused('stranger', [stranger.commit({ registry: e0 })], 'context', 'its author never was a device');
  await refused('stranger-later', [stranger.commit({ registry: e1 })], 'context', 'its author never was a device');
  await refused(
    'stranger-knows',
    [a1, stranger.commit({ registry: e0, knows: [a1] })],
    'context',
    'its author never was a device',
  );

  // Rule 1: a device that left.
  const c4 = carla.commit({ registry: e0, after: c3 });
  const other = carla.commit({ registry: e0, time: T + 7 });
  await refused('beyond-cut', [c1, c2, c3], 'revoked', 'the commit after the last valid one', entries([c2]));
  await refused('beyond-cut-2', [c1, c2, c3, c4], 'revoked', 'two commits after the last valid one', entries([c2]));
  await refused(
    'beyond-early',
    [c3, c4, c2, c1, carla.commit({ registry: e0, after: c2, time: 1 })],
    'revoked',
    'a small time does not help: another branch after the cut',
    entries([c2]),
  );
  await refused('no-cut', [c1], 'revoked', 'no head was stated', entries([]));
  await refused('no-cut-2', [c1, c2], 'revoked', 'no head was stated', entries([]));
  await refused('other-chain', [c1, c2, other], 'revoked', 'another chain of the device', entries([c2]));
  await refused(
    'clone-of-cut',
    [c1, c2, carla.commit({ registry: e0, after: c1, time: T + 3 })],
    'revoked',
    'a clone of the last valid commit',
    entries([c2]),
  );
  const again = carla.commit({ registry: e0, prev: c2.id, knows: [c2] });
  await refused('new-incarnation', [c1, c2, again], 'revoked', 'a new incarnation after the cut', entries([c2]));
  await applied('older-incarnation', [c1, c2, again], 'applied', entries([again]));
  await refused(
    'after-leaving',
    [c1, c2, carla.commit({ registry: e1, after: c2 })],
    'revoked',
    'it names the entry with which its author left',
    entries([c2]),
  );
  await refused(
    'much-later',
    [c1, carla.commit({ registry: e2, after: c1 })],
    'revoked',
    'it names an entry after its author left',
    entries([c1], [{ id: e2, time: T, devices: some }]),
  );
  await refused(
    'two-heads',
    [c1, c2, c3, other, carla.commit({ registry: e0, after: other })],
    'revoked',
    'two chains were stated, and it is beyond the second',
    entries([c2, other]),
  );
  await applied('two-heads-inside', [c1, c2, other], 'applied', entries([c2, other]));
  await refused(
    'knew-by-others',
    [c1, c2, c3, anna.commit({ registry: e0, knows: [c3] }), c4],
    'revoked',
    'others had applied what is beyond the cut',
    entries([c2]),
  );
}
