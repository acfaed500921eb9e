/** A short run of the fuzzer with a fixed seed and a fixed number of cases; `npm run fuzz` is the long one. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

import { allDecoders } from './decoders.ts';
import { fixed, run } from './run.ts';
import { judge, rngOf, type Target } from './target.ts';
import { allTargets } from './targets.ts';

const CASES = { decoder: 30, store: 2 } as const;

let targets: readonly Target[];
beforeAll(async () => {
  targets = await allTargets();
});

describe('the fuzzer', () => {
  it('finds nothing in a fixed number of cases of every target', async () => {
    const findings: string[] = [];
    const tallies = await run({
      seed: 'ci',
      targets,
      ...fixed(({ group }) => CASES[group]),
      onFinding: async ({ target }, number, _, { rule, message }) => {
        findings.push(`${target.name} case ${number}: ${rule}: ${message}`);
      },
    });
    expect(findings).toEqual([]);
    const expected = targets.reduce((sum, { group }) => sum + CASES[group], 0);
    expect(tallies.reduce((sum, { cases }) => sum + cases, 0)).toBe(expected);
  });

  it('makes the same input for the same target, seed and number, and other ones for others', () => {
    const written = (target: Target, seed: string, number: number) =>
      JSON.stringify(target.write(target.generate(rngOf(target.name, seed, number))));
    for (const target of targets) {
      const inputs = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => written(target, 'one', number));
      expect(inputs).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((number) => written(target, 'one', number)));
      expect(inputs).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((number) => written(target, 'two', number)));
    }
  });

  it('makes inputs that are accepted and inputs that are refused, for every decoder that can do both', async () => {
    const oneSided: string[] = [];
    for (const { name, samples, decode, genuine } of await allDecoders()) {
      expect(samples.length, name).toBeGreaterThan(0);
      const [sample] = samples;
      const value = await decode(sample as (typeof samples)[0]);
      const takes = genuine === true || name === 'ceremonies/join, M3';
      if (takes && (value === undefined || value === false)) oneSided.push(name);
    }
    expect(oneSided).toEqual([]);
  });

  it('reads what it writes', async () => {
    for (const target of targets) {
      const input = target.generate(rngOf(target.name, 'written', 1));
      const written = target.write(input);
      if (written === undefined) continue;
      expect(target.write(target.read(JSON.parse(JSON.stringify(written))))).toEqual(written);
    }
  });
});

/** Exported functions that take bytes or text from outside, by their names. */
const READS =
  /^(?:decode|parse|open|split|from|unpad|read|load|kitEntropy|receive(?:Pairing|Vote)|enter|catchUp|lookAround)/;

/** Functions with such a name that are no decoders of foreign bytes, or that whole targets go through. */
const ELSEWHERE: Record<string, string> = {
  fromHex: 'target bytes/fromHex',
  decodeShaped: 'every structure of src/format',
  readSlot: 'target ceremonies/slot.openVote and store/voting',
  receivePairing: 'targets ceremonies/invite.receivePairing',
  receiveVote: 'store/voting: keeps bytes that openVote has read',
  openEpoch: 'store/fresh/recover: works on checked values',
  openRecover: 'store/fresh/recover and store/lost/recover',
  openOwnGrant: 'target registry/open.openGrantOf',
  enterByKits: 'store/fresh/recover and store/lost/recover',
  enterAsDevice: 'store/joining/join',
  catchUp: 'store/behind/away',
  catchUpFrom: 'store/behind/away',
  lookAround: 'store/joining/join and store/lost/recover',
  openInvitation: 'a cell of the own journal',
  openPair: 'targets ceremonies/invite.receivePairing',
};

describe('the list of targets', () => {
  it('has every exported decoder of the format, the primitives, the device and the ceremonies', async () => {
    const root = join(import.meta.dirname, '..', '..', 'src');
    const files = ['bytes.ts', 'cbor.ts', 'registry/open.ts', 'registry/links.ts', 'node/keystore-header.ts'];
    for (const folder of ['format', 'crypto', 'device', 'ceremonies']) {
      for (const name of await readdir(join(root, folder))) files.push(`${folder}/${name}`);
    }
    const decoders = await allDecoders();
    const covered = new Set(decoders.flatMap(({ name, covers = [] }) => [...covers, ...name.split(/[/., ]/)]));
    const missing: string[] = [];
    let seen = 0;
    for (const file of files) {
      const source = await readFile(join(root, file), 'utf8');
      for (const [, name = ''] of source.matchAll(/^export (?:async )?function (\w+)/gm)) {
        if (!READS.test(name)) continue;
        seen += 1;
        if (!covered.has(name) && !(name in ELSEWHERE)) missing.push(`${file}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
    expect(seen).toBeGreaterThan(40);
  });
});

describe('a case is judged', () => {
  const target = (run: Target['run']): Target => ({
    ...{
      name: 'planted',
      group: 'store',
      run,
      generate: () => undefined,
      write: () => undefined,
      read: () => undefined,
    },
    simpler: () => [],
  });
  const limits = { cpuMs: 100, allocated: 8 * 1024 * 1024, resident: 512 * 1024 * 1024 };
  const rule = async (run: Target['run']) => (await judge(target(run), undefined, limits)).finding?.rule ?? 'nothing';

  it('an error that is no PassportError, a rejection that nobody waits for, time, memory', async () => {
    expect(await rule(async () => undefined)).toBe('nothing');
    expect(await rule(async () => Promise.reject(new TypeError('x')))).toBe('error');
    expect(await rule(async () => Promise.reject(new RangeError('x')))).toBe('error');
    const spin = async () => {
      const end = process.cpuUsage().user + 200_000;
      while (process.cpuUsage().user < end);
    };
    expect(await rule(spin)).toBe('slow');
    const forgets = async () => {
      const lost: unknown[] = [];
      setImmediate(() => lost.push(Promise.reject(new Error('nobody waits'))));
      await new Promise((resolve) => setImmediate(resolve));
    };
    expect(await rule(forgets)).toBe('rejection');
    const kept: Uint8Array[] = [];
    const bomb = async () => {
      kept.push(new Uint8Array(16 * 1024 * 1024));
    };
    expect(await rule(bomb)).toBe('memory');
    expect(kept.length).toBe(1);
  });
});
