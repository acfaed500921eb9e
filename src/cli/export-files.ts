/**
 * From records to files below one directory, and never outside it. A key is text from any device, so each of its parts is
 * made a name that every file system takes, and each directory on the way is looked at before anything is written in it.
 */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOut } from './files.ts';

export interface Exporter {
  write(key: string, value: Uint8Array): Promise<void>;
  readonly written: number;
  /** Keys whose file is called differently. */
  readonly renamed: readonly { key: string; file: string }[];
  readonly skipped: readonly { key: string; reason: string }[];
}

/** Makes the directory if need be. Throws Node's errors. */
export async function createExporter(directory: string, replace: boolean): Promise<Exporter> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const root = await realpath(directory);
  const known = new Set([root]);
  const renamed: { key: string; file: string }[] = [];
  const skipped: { key: string; reason: string }[] = [];
  let written = 0;

  /** A directory below the root that is no link. */
  const enter = async (path: string) => {
    if (known.has(path)) return;
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(path)).isDirectory()) throw Object.assign(new Error('in the way'), { code: 'ENOTDIR' });
    known.add(path);
  };

  return {
    renamed,
    skipped,
    get written() {
      return written;
    },
    async write(key, value) {
      const parts = key.split('/').map(fileName);
      const relative = parts.join('/');
      try {
        let path = root;
        for (const part of parts.slice(0, -1)) {
          path = join(path, part);
          await enter(path);
        }
        await writeOut(join(path, parts.at(-1) as string), value, replace);
      } catch (error) {
        const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
        if (reason === undefined) throw error;
        skipped.push({ key, reason });
        return;
      }
      written++;
      if (relative !== key) renamed.push({ key, file: relative });
    },
  };
}

/** What concerns one record; everything else ends the export. */
const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'a file is there already; --force replaces it',
  ENOTDIR: 'a file or a link is where a directory is needed',
  EISDIR: 'a directory is where the file would be',
  ENAMETOOLONG: 'its name is too long for a file',
};

/** Names that some system keeps for itself, whatever follows the first dot. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?$/i;

/** A part of a key as a file name: one path component, neither `.` nor `..`, which no system gives a second meaning. */
export function fileName(part: string): string {
  if (part === '') return '%';
  if (part === '.' || part === '..') return part.replaceAll('.', '%2E');
  // A % that already looks like an escape is escaped too, so that no two keys meet in one file.
  let name = part.replace(/%(?=[0-9A-Fa-f]{2})|^%$|[\\:*?"<>|]|[\p{Cc}\p{Cs}]/gu, escape);
  name = name.replace(/[. ]$/, escape);
  return RESERVED.test(name) ? escape(name[0] as string) + name.slice(1) : name;
}

function escape(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
