/** The commits by chain, as cells keep them: pages, clones, what is left to do; and who knew of what, also where chains branch. */
import { describe, expect, it } from 'vitest';
import { hex } from '../../src/bytes.ts';
import { encodeHeader, type CommitRef, parseHeader, rootOfNothing } from '../../src/format/commit.ts';
import { BIT, Chains, INDEX, pointOf, STATE, type CommitRow } from '../../src/records/chains.ts';
import { refsOf } from '../../src/records/causality.ts';
import { Log } from '../../src/records/log.ts';
import { seededRandom } from '../helpers/random.ts';
import { devices, type Forged, forged, Mesh, type TestDevice } from '../helpers/records.ts';

const random = seededRandom('chains');

function two(name: string) {
  return devices(new Mesh(`chains ${name}`, ['anna', 'berta']), ['anna', 'berta']);
}

const refOf = ({ commit: { parsed } }: Forged): CommitRef => ({ chain: parsed.chain, seq: parsed.seq, id: parsed.id });
const chainOf = (row: { readonly chain: string }) => row.chain;

describe('a chain', () => {
  const incarnation = random(16);

  /** Adds commits with these numbers, in this order; `mark` makes them differ. */
  async function add(device: TestDevice, seqs: readonly number[], mark = 0): Promise<string> {
    return device.run(async (tx, ctx) => {
      const chains = await Chains.open(tx);
      const rows: CommitRow[] = [];
      for (const seq of seqs) {
        const before = { chain: new Uint8Array(16), seq: 1, id: new Uint8Array(32) };
        const header = encodeHeader({
          ...{ device: ctx.device, incarnation, seq, prev: null, ctx: [], registry: ctx.registry.head, time: mark },
          ...{ count: 0, root: rootOfNothing(), acks: [] },
          ...(seq === 1 ? {} : await follows(device, seq, before)),
        });
        const parsed = parseHeader(ctx.pid, header);
        const signed = { header, signature: new Uint8Array(64), bundle: `bundle ${seq}`, position: seq % 3 };
        rows.push(await chains.add(parsed, signed));
      }
      chains.flush();
      return chainOf(rows[0] as CommitRow);
    });
  }

  /** A commit before, of which only the number matters here. */
  async function follows(device: TestDevice, seq: number, before: CommitRef) {
    const first = encodeHeader({
      ...{ device: device.ctx.device, incarnation, seq: 1, prev: null, ctx: [], registry: device.ctx.registry.head },
      ...{ time: 0, count: 0, root: rootOfNothing(), acks: [] },
    });
    const { chain } = parseHeader(device.ctx.pid, first);
    return { prev: before.id, ctx: [{ ...before, chain, seq: seq - 1 }] };
  }

  const opened = <T>(device: TestDevice, look: (chains: Chains) => Promise<T> | T): Promise<T> =>
    device.run(async (tx) => look(await Chains.open(tx)));
  const numbers = (rows: readonly CommitRow[]) => rows.map(({ seq }) => seq);

  it('comes back in the order of its numbers, whatever the order in which they came, over pages of 64', async () => {
    const { anna } = two('pages');
    const seqs = Array.from({ length: 130 }, (_, i) => ((i * 37) % 130) + 1);
    const chain = await add(anna, seqs);
    expect(await opened(anna, async (chains) => numbers(await chains.rows(chain)))).toEqual(
      [...seqs].sort((a, b) => a - b),
    );
    expect(await opened(anna, async (chains) => numbers(await chains.last(chain)))).toEqual([130]);
    for (const seq of [1, 63, 64, 65, 128, 129, 130]) {
      expect(await opened(anna, async (chains) => numbers(await chains.at(chain, seq)))).toEqual([seq]);
    }
    expect(await opened(anna, async (chains) => numbers(await chains.at(chain, 131)))).toEqual([]);
    expect(
      await anna.run(async (tx) => Promise.all([0, 1, 2, 3].map((page) => tx.get(`chain/${chain}/${page}`)))),
    ).toEqual([
      expect.objectContaining({ length: 64 }),
      expect.objectContaining({ length: 64 }),
      expect.objectContaining({ length: 2 }),
      undefined,
    ]);
    expect(await opened(anna, (chains) => chains.isCloned(chain))).toBe(false);
  });

  it('that is not here is empty', async () => {
    const { anna } = two('none');
    const point = { chain: '00', seq: 1, id: '00' };
    expect(
      await opened(anna, async (chains) => [
        ...[chains.list(), chains.entry('00'), chains.isCloned('00'), await chains.find(point)],
        ...[await chains.at('00', 1), await chains.rows('00'), await chains.last('00')],
      ]),
    ).toEqual([[], undefined, false, undefined, [], [], []]);
  });

  it('with two commits of one number is cloned, now and later; both are found by their ids', async () => {
    const { anna } = two('clone');
    const chain = await add(anna, [1, 2, 3]);
    await add(anna, [2, 3], 7);
    await opened(anna, async (chains) => {
      expect(chains.isCloned(chain)).toBe(true);
      expect(numbers(await chains.rows(chain))).toEqual([1, 2, 2, 3, 3]);
      expect(numbers(await chains.last(chain))).toEqual([3, 3]);
      const rows = await chains.at(chain, 2);
      expect(rows.map(({ parsed }) => parsed.time)).toEqual([0, 7]);
      for (const row of rows) expect((await chains.find(row))?.parsed.time).toBe(row.parsed.time);
      expect(await chains.find({ chain, seq: 3, id: rows[0]!.id })).toBeUndefined();
      expect(chains.list(BIT.cloned).map(chainOf)).toEqual([chain]);
    });
    // It is cloned from the moment of the second commit on.
    await anna.run(async (tx, ctx) => {
      const log = await Log.open(tx, ctx);
      expect(log.chains.isCloned(chain)).toBe(true);
    });
  });

  it('says of each page what is left to do in it, and nothing of what is done', async () => {
    const { anna } = two('bits');
    const chain = await add(anna, [1, 2, 64, 65, 130]);
    const all = Object.values(BIT);
    const left = () =>
      opened(anna, async (chains) => [
        all.filter((bit) => chains.list(bit).length > 0),
        await Promise.all(
          [BIT.waiting, BIT.unindexed, BIT.quarantined].map(async (bit) => numbers(await chains.rows(chain, bit))),
        ),
      ]);
    expect(await left()).toEqual([[BIT.waiting], [[1, 2, 64, 65, 130], [], []]]);
    const change = (seq: number, state: number, index: number) =>
      anna.run(async (tx) => {
        const chains = await Chains.open(tx);
        const [row] = await chains.at(chain, seq);
        Object.assign(row as CommitRow, { state, index });
        chains.touch(row as CommitRow);
        chains.flush();
      });
    await change(65, STATE.applied, INDEX.todo);
    expect(await left()).toEqual([
      [BIT.waiting, BIT.unindexed],
      [[1, 2, 64, 130], [65], []],
    ]);
    await change(65, STATE.applied, INDEX.done);
    await change(130, STATE.quarantined, INDEX.todo);
    for (const seq of [1, 2, 64]) await change(seq, STATE.refused, INDEX.todo);
    expect(await left()).toEqual([[BIT.quarantined], [[], [], [130]]]);
    await change(65, STATE.applied, INDEX.damaged);
    expect(await opened(anna, (chains) => all.filter((bit) => chains.list(bit).length > 0))).toEqual([
      BIT.quarantined,
      BIT.damaged,
    ]);
  });

  it('keeps every fact of a commit', async () => {
    const { anna } = two('facts');
    const chain = await add(anna, [1]);
    const past = [{ chain: random(16), seq: 3, id: random(32) }];
    const facts = { state: STATE.applied, order: 5, past, bundle: 'other', position: 7, index: INDEX.done };
    await anna.run(async (tx) => {
      const chains = await Chains.open(tx);
      const [row] = await chains.at(chain, 1);
      expect(row).toMatchObject({ state: STATE.waiting, order: 0, past: null, index: INDEX.todo, bundle: 'bundle 1' });
      Object.assign(row as CommitRow, facts);
      chains.touch(row as CommitRow);
      chains.flush();
    });
    await opened(anna, async (chains) => {
      const [row] = await chains.at(chain, 1);
      expect(row).toMatchObject(facts);
      expect([row!.chain, row!.id]).toEqual([chain, hex(row!.parsed.id)]);
      expect(chains.entry(chain)).toMatchObject({ chain, device: anna.ctx.device, incarnation });
    });
  });
});

describe('the past of a commit', () => {
  /** One chain of anna's: 1, then 2a and 2b, then 3 after 2b. */
  async function branched(name: string) {
    const { anna, berta } = two(name);
    const incarnation = random(16);
    const after = async (before: Forged, time: number) =>
      forged(anna, {
        ...{ incarnation, seq: before.commit.parsed.seq + 1, prev: refOf(before).id, ctx: [refOf(before)], time },
      });
    const one = await forged(anna, { incarnation });
    const [left, right] = [await after(one, 1), await after(one, 2)];
    const end = await after(right, 3);
    for (const { bundle } of [one, left, right, end]) await berta.receive(bundle);
    await berta.settle();
    const commits = { one, left, right, end };
    const looked = <T>(look: (log: Log) => Promise<T>): Promise<T> =>
      berta.run(async (tx, ctx) => look(await Log.open(tx, ctx)));
    return { anna, berta, commits, looked };
  }

  it('in a chain that branches has what is before it on its own branch only', async () => {
    const { commits, looked } = await branched('branches');
    const [one, left, right, end] = Object.values(commits).map((each) => pointOf(refOf(each)));
    const cases: [string, typeof one, typeof one, boolean][] = [
      ['itself', end, end, true],
      ['the first of the end', one, end, true],
      ['the first of the left', one, left, true],
      ['right of the end', right, end, true],
      ['left of the end', left, end, false],
      ['left of right', left, right, false],
      ['the end of right', end, right, false],
    ];
    for (const [name, point, head, expected] of cases) {
      expect(await looked((log) => log.causality.isAncestor(point!, head!)), name).toBe(expected);
    }
    const frontier = await looked(async (log) => log.frontierRefs().map((ref) => pointOf(ref).id));
    expect(new Set(frontier)).toEqual(new Set([left!.id, end!.id]));
    const elsewhere = { ...one!, chain: '00'.repeat(16) };
    expect(await looked((log) => log.causality.isAncestor(elsewhere, end!))).toBe(false);
  });

  it('keeps a head for each branch that it knows, and drops what another of them has', async () => {
    const { anna, berta, commits, looked } = await branched('heads');
    const { one, left, right, end } = commits;
    const ctxOf = async (...known: readonly Forged[]) => {
      const made = await forged(berta, { ctx: known.map(refOf) });
      await berta.receive(made.bundle);
      await berta.settle();
      const at = pointOf(refOf(made));
      return looked(async (log) => {
        const past = log.causality.pastOf((await log.chains.find(at)) as CommitRow);
        const covered: string[] = [];
        for (const [name, each] of Object.entries(commits))
          if (await log.causality.covers(past, pointOf(refOf(each)))) covered.push(name);
        return {
          heads: refsOf(past)
            .map(({ id }) => hex(id))
            .sort((a, b) => (a < b ? -1 : 1)),
          covered,
        };
      });
    };
    const ids = (...known: readonly Forged[]) =>
      known.map((each) => hex(refOf(each).id)).sort((a, b) => (a < b ? -1 : 1));
    expect(await ctxOf(left)).toEqual({ heads: ids(left), covered: ['one', 'left'] });
    expect(await ctxOf(left, end)).toEqual({ heads: ids(left, end), covered: ['one', 'left', 'right', 'end'] });
    expect(await ctxOf(one, left)).toMatchObject({ covered: ['one', 'left'] });
    expect(await ctxOf(right, left)).toMatchObject({ covered: ['one', 'left', 'right'] });
    expect(anna.id).not.toBe(berta.id);
  });

  it('has what its heads knew, and theirs, down to the first', async () => {
    const { anna, berta } = two('transitive');
    const [first, second] = [await forged(anna, {}), await forged(anna, {})];
    const middle = await forged(berta, { ctx: [refOf(first)] });
    const last = await forged(anna, { ctx: [refOf(middle)] });
    for (const { bundle } of [first, second, middle, last]) await berta.receive(bundle);
    await berta.settle();
    const knows = (of: Forged, what: Forged) =>
      berta.run(async (tx, ctx) => {
        const log = await Log.open(tx, ctx);
        const row = (await log.chains.find(pointOf(refOf(of)))) as CommitRow;
        return log.causality.covers(log.causality.pastOf(row), pointOf(refOf(what)));
      });
    expect([await knows(last, middle), await knows(last, first), await knows(last, second)]).toEqual([
      true,
      true,
      false,
    ]);
    expect([await knows(middle, first), await knows(middle, last), await knows(first, first)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has the newer of what it names and what its heads knew, also when it is read again', async () => {
    const { anna, berta } = two('newer');
    const chain: Forged[] = [];
    const incarnation = random(16);
    for (let seq = 1; seq <= 3; seq++) {
      const prev = chain.at(-1);
      const change = prev === undefined ? {} : { prev: refOf(prev).id, ctx: [refOf(prev)] };
      chain.push(await forged(anna, { incarnation, seq, ...change }));
    }
    const [one, , three] = chain as [Forged, Forged, Forged];
    const knowing = await forged(berta, { ctx: [refOf(three)] });
    const last = await forged(berta, { ctx: [refOf(one), refOf(knowing)] });
    for (const { bundle } of [...chain, knowing, last]) await berta.receive(bundle);
    await berta.settle();
    const past = await berta.run(async (tx, ctx) => {
      const log = await Log.open(tx, ctx);
      const row = (await log.chains.find(pointOf(refOf(last)))) as CommitRow;
      return refsOf(log.causality.pastOf(row)).map((ref) => pointOf(ref).id);
    });
    expect(new Set(past)).toEqual(new Set([three, knowing].map((each) => pointOf(refOf(each)).id)));
  });

  it('is sorted as a ctx is', () => {
    const ref = (chain: number, seq: number): [string, { chain: string; seq: number; id: string }[]] => {
      const name = hex(new Uint8Array(16).fill(chain));
      return [name, [{ chain: name, seq, id: hex(new Uint8Array(32).fill(seq)) }]];
    };
    const refs = refsOf(new Map([ref(2, 1), ref(1, 9), ref(3, 4)]));
    expect(refs.map(({ chain, seq }) => [chain[0], seq])).toEqual([
      [1, 9],
      [2, 1],
      [3, 4],
    ]);
  });
});
