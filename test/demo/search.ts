/**
 * Looks for what must not be there: every byte of some files, and of their names, against every plaintext and name of 8 bytes
 * or more, and against every block of 32 bytes of every plaintext, so that a part of one is found too. Both are one pass with
 * a rolling hash over the bytes, so that it makes no difference how many plaintexts there are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const LEAST = 8;
const BLOCK = 32;
/** Blocks of fewer different bytes, such as rows of zeros, say nothing. */
const LEAST_DIFFERENT = 5;

export interface Needle {
  readonly what: string;
  readonly bytes: Uint8Array;
}

export interface Hit {
  readonly what: string;
  readonly file: string;
}

/** All files below a directory, by their path in it, with `/`. */
export function filesBelow(directory: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const file = join(path, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (entry.isFile()) files.set(relative(directory, file).replaceAll('\\', '/'), readFileSync(file));
    }
  };
  visit(directory);
  return files;
}

/** The other ways in which a secret could lie there: hex, base64 at each of its three places, UTF-16. */
export function disguises({ what, bytes }: Needle): Needle[] {
  const secret = Buffer.from(bytes);
  const base64 = [0, 1, 2].flatMap((shift) => {
    // The characters that depend on the secret's own bytes alone.
    const text = Buffer.concat([Buffer.alloc(shift), secret])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(4, -1);
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = secret.toString('hex');
  const forms = [hex, hex.toUpperCase(), ...base64];
  const utf16 = Buffer.from(secret.toString('utf8'), 'utf16le');
  return [...forms.map((text) => Buffer.from(text)), utf16]
    .filter((form) => form.length >= LEAST)
    .map((form) => ({ what: `${what} in another form`, bytes: form }));
}

export class Search {
  readonly needles: readonly Needle[];
  readonly #whole: Windows;
  readonly #blocks: Windows;

  /** `needles` are searched for as a whole, `plaintexts` also block by block. Shorter ones than 8 bytes are left out. */
  constructor(needles: readonly Needle[], plaintexts: readonly Needle[]) {
    this.needles = [...needles, ...plaintexts].filter(({ bytes }) => bytes.length >= LEAST);
    this.#whole = new Windows(LEAST);
    for (const needle of this.needles) this.#whole.add(needle, 0);
    this.#blocks = new Windows(BLOCK);
    for (const needle of plaintexts) {
      for (let at = 0; at + BLOCK <= needle.bytes.length; at += BLOCK) {
        const different = new Set(needle.bytes.subarray(at, at + BLOCK)).size;
        if (different >= LEAST_DIFFERENT) this.#blocks.add(needle, at);
      }
    }
  }

  /** What is found in these files or in their names, each in each file once. */
  in(files: ReadonlyMap<string, Uint8Array>): Hit[] {
    const hits: Hit[] = [];
    const names = Buffer.from([...files.keys()].join('\n'));
    for (const [file, bytes] of [...files, ['the names of the files', names] as const]) {
      const known = new Set<Needle>();
      this.#whole.scan(bytes, (needle, _, at) => {
        if (known.has(needle) || !standsAt(bytes, at, needle.bytes)) return;
        known.add(needle);
        hits.push({ what: needle.what, file });
      });
      this.#blocks.scan(bytes, (needle, from, at) => {
        if (known.has(needle) || !standsAt(bytes, at, needle.bytes.subarray(from, from + BLOCK))) return;
        known.add(needle);
        hits.push({ what: `a part of ${needle.what}`, file });
      });
    }
    return hits;
  }
}

function standsAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  const end = at + needle.length;
  return end <= bytes.length && Buffer.compare(bytes.subarray(at, end), needle) === 0;
}

const BITS = 22;
const FACTOR = 0x01000193;

/** `length` bytes of a needle from `at` on, and the next one in the same slot of the table. */
interface Window {
  readonly hash: number;
  readonly needle: Needle;
  readonly at: number;
  readonly next: number;
}

/** Windows of `length` bytes in a table by a rolling hash (Rabin and Karp). */
class Windows {
  readonly #length: number;
  readonly #out: number;
  readonly #heads = new Int32Array(1 << BITS).fill(-1);
  readonly #chain: Window[] = [];

  constructor(length: number) {
    this.#length = length;
    let out = 1;
    for (let i = 1; i < length; i++) out = Math.imul(out, FACTOR);
    this.#out = out;
  }

  add(needle: Needle, at: number): void {
    let hash = 0;
    for (let i = 0; i < this.#length; i++) hash = (Math.imul(hash, FACTOR) + (needle.bytes[at + i] as number)) | 0;
    const slot = slotOf(hash);
    this.#chain.push({ hash, needle, at, next: this.#heads[slot] as number });
    this.#heads[slot] = this.#chain.length - 1;
  }

  scan(bytes: Uint8Array, found: (needle: Needle, from: number, at: number) => void): void {
    let hash = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (i >= this.#length) hash = (hash - Math.imul(bytes[i - this.#length] as number, this.#out)) | 0;
      hash = (Math.imul(hash, FACTOR) + (bytes[i] as number)) | 0;
      if (i < this.#length - 1) continue;
      for (let at = this.#heads[slotOf(hash)] as number; at >= 0;) {
        const entry = this.#chain[at] as Window;
        if (entry.hash === hash) found(entry.needle, entry.at, i - this.#length + 1);
        at = entry.next;
      }
    }
  }
}

/** Fibonacci hashing: the upper bits of the product. */
function slotOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - BITS);
}
