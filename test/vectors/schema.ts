/**
 * The form of a vector file (vectors/README.md), and how inputs are read. Bytes are lower-case hexadecimal; long plaintexts are
 * lists of parts, of which `{ repeat, length }` is one byte over and over; `{ given: name }` stands for a value of the file's
 * `given`.
 */
import { type Bytes, concat, fromHex, hex } from '../../src/bytes.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** What makers and operations handle: JSON with bytes in it. */
export type Data = Json | Uint8Array | readonly Data[] | { readonly [key: string]: Data };

export const LAYERS = [
  ...['parse', 'bound', 'unsupported', 'key', 'signature', 'tag', 'commitment', 'padding', 'checksum', 'context'],
  ...['approval', 'policy', 'epoch', 'revoked', 'order', 'rollback', 'expired', 'words', 'confirmation'],
] as const;
export type Layer = string;

export interface Vector {
  readonly id: string;
  readonly source: string;
  readonly op: string;
  readonly in: { readonly [field: string]: Json };
  readonly expect: { readonly result: Json } | { readonly refused: Layer };
  readonly why?: string;
}

export interface Source {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly how: string;
}

export interface VectorFile {
  readonly subject: string;
  readonly about: string;
  readonly section: string;
  readonly sources: readonly Source[];
  readonly given?: { readonly [name: string]: Json };
  readonly vectors: readonly Vector[];
}

/** An operation says no, and which layer it is that says so. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly layer: Layer;

  constructor(layer: Layer) {
    super(layer);
    this.layer = layer;
  }
}

export function refuse(layer: Layer): never {
  throw new Refused(layer);
}

export type Operation = (input: Input) => Data | Promise<Data>;

export function toJson(data: Data): Json {
  if (data instanceof Uint8Array) return hex(data);
  if (Array.isArray(data)) return data.map((each: Data) => toJson(each));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]: [string, Data]) => [key, toJson(value)]));
}

/** Reads fields; a vector without the field, or with another type there, is a mistake in the vector: TypeError. */
export class Input {
  readonly #fields: { readonly [key: string]: Json };
  readonly #given: { readonly [name: string]: Json };

  constructor(fields: Json, given: { readonly [name: string]: Json } = {}) {
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new TypeError('not an object');
    this.#fields = fields as { readonly [key: string]: Json };
    this.#given = given;
  }

  has(name: string): boolean {
    return name in this.#fields && this.#fields[name] !== null;
  }

  json(name: string): Json {
    const value = this.#fields[name];
    if (value === undefined) throw new TypeError(`the vector has no "${name}"`);
    if (typeof value !== 'object' || value === null || !('given' in value)) return value;
    const found = typeof value.given === 'string' ? this.#given[value.given] : undefined;
    if (found === undefined) throw new TypeError('the file does not give this value');
    return found;
  }

  number(name: string): number {
    const value = this.json(name);
    if (typeof value !== 'number') throw new TypeError(`"${name}" is no number`);
    return value;
  }

  text(name: string): string {
    const value = this.json(name);
    if (typeof value !== 'string') throw new TypeError(`"${name}" is no text`);
    return value;
  }

  bytes(name: string): Bytes {
    return fromHex(this.text(name));
  }

  /** Bytes, or null. */
  maybeBytes(name: string): Bytes | null {
    return this.has(name) ? this.bytes(name) : null;
  }

  /** Hexadecimal, or a list of hexadecimal and `{ repeat, length }`. */
  long(name: string): Bytes {
    return long(this.json(name));
  }

  object(name: string): Input {
    return new Input(this.json(name), this.#given);
  }

  list(name: string): readonly Json[] {
    const value = this.json(name);
    if (!Array.isArray(value)) throw new TypeError(`"${name}" is no list`);
    return value;
  }

  objects(name: string): readonly Input[] {
    return this.list(name).map((each) => new Input(each, this.#given));
  }

  /** A list of bytes. */
  many(name: string): readonly Bytes[] {
    return this.list(name).map((each) => {
      if (typeof each !== 'string') throw new TypeError(`"${name}" has what is no bytes`);
      return fromHex(each);
    });
  }
}

function long(value: Json): Bytes {
  if (typeof value === 'string') return fromHex(value);
  if (!Array.isArray(value)) throw new TypeError('no bytes');
  const parts = value.map((part: Json): Uint8Array => {
    if (typeof part === 'string') return fromHex(part);
    const { repeat, length } = part as { repeat: string; length: number };
    return new Uint8Array(length).fill(Number.parseInt(repeat, 16));
  });
  return concat(...parts);
}
