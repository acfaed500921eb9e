/**
 * Reading what was published, and writing it in the schema of vectors/README.md. A file may hold vectors that were transcribed
 * by hand: a converter replaces those whose ids begin with its own prefixes and leaves all others as they are.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source, Vector, VectorFile } from '../schema.ts';

/** JSON of a raw file; what is in it, the converter says. */
export async function raw<T>(folder: string, name: string): Promise<T> {
  return JSON.parse(await readFile(join(folder, name), 'utf8')) as T;
}

export interface Converted {
  readonly subject: string;
  /** Of ids: `${subject}-${prefix}-…`. */
  readonly prefix: string;
  readonly source: Source;
  readonly vectors: readonly Vector[];
}

/** Only of a subject that has no file yet. */
export type Heading = Pick<VectorFile, 'subject' | 'about' | 'section'>;

export async function put(folder: string, converted: Converted, heading?: Heading): Promise<void> {
  const path = join(folder, `${converted.subject}.json`);
  const empty = heading === undefined ? undefined : { ...heading, sources: [], vectors: [] };
  const before = (await readFile(path, 'utf8').then(JSON.parse, () => empty)) as VectorFile | undefined;
  if (before === undefined) throw new Error(`there is no ${path}`);
  const own = new RegExp(`^${converted.prefix}-`);
  const { subject, about, section } = before;
  const sources = [...before.sources.filter(({ name }) => name !== converted.source.name), converted.source];
  const vectors = [...before.vectors.filter(({ id }) => !own.test(id)), ...converted.vectors];
  await writeFile(path, `${JSON.stringify({ subject, about, section, sources, vectors }, undefined, 2)}\n`);
}
