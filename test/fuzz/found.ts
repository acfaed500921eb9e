/** Found cases as files: each is played again in every test run, for ever. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, judge, kindOf, rngOf, simplify, type Target } from './target.ts';

export interface Found {
  readonly target: string;
  /** What it did when it was found. */
  readonly was: string;
  readonly seed: string;
  readonly case: number;
  /** The input, as small as it could be made; absent where it is larger than a file should be: then seed and case make it. */
  readonly input?: unknown;
}

export async function readFound(folder: string): Promise<{ readonly name: string; readonly found: Found }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => ({ name, found: JSON.parse(await readFile(join(folder, name), 'utf8')) as Found })),
  );
}

/** The finding that this case ends in today, if any. */
export async function replay(target: Target, found: Found): Promise<Finding | undefined> {
  const input =
    found.input === undefined ? target.generate(rngOf(found.target, found.seed, found.case)) : target.read(found.input);
  return (await judge(target, input)).finding;
}

/** Writes a finding, made small; undefined when one of its kind was written before. */
export class Collector {
  readonly #folder: string;
  readonly #seed: string;
  readonly #kinds = new Set<string>();

  constructor(folder: string, seed: string) {
    this.#folder = folder;
    this.#seed = seed;
  }

  async keep(target: Target, number: number, input: unknown, finding: Finding): Promise<string | undefined> {
    const kind = kindOf(finding);
    if (this.#kinds.has(kind)) return undefined;
    this.#kinds.add(kind);
    const written = target.write(await simplify(target, input, finding));
    const found: Found = {
      ...{
        target: target.name,
        was: `${finding.rule}: ${finding.message.slice(0, 300)}`,
        seed: this.#seed,
        case: number,
      },
      ...(written === undefined ? {} : { input: written }),
    };
    const name = `${target.name.replaceAll(/[^\w]+/g, '-')}-${this.#seed.replaceAll(/[^\w]+/g, '-')}-${number}.json`;
    await mkdir(this.#folder, { recursive: true });
    await writeFile(join(this.#folder, name), `${JSON.stringify(found, undefined, 2)}\n`);
    return name;
  }
}
