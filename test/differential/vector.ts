/** The part of a vector file (vectors/README.md) that is needed here, and how its inputs are read. */
import { type Bytes, concat, fromHex } from '../../src/bytes.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface VectorFile {
  readonly subject: string;
  readonly sources: readonly { readonly name: string }[];
  readonly vectors: readonly {
    readonly id: string;
    readonly op: string;
    readonly in: Fields;
    readonly expect: { readonly result: Fields } | { readonly refused: string };
  }[];
}

/** A field that is not there, or is of another type, is a mistake in the vector: TypeError. */
export class Input {
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  has(name: string): boolean {
    return name in this.#fields;
  }

  /** Hexadecimal, or a list of hexadecimal and `{ repeat, length }`. */
  bytes(name: string): Bytes {
    const value = this.#fields[name];
    if (typeof value === 'string') return fromHex(value);
    if (!Array.isArray(value)) throw new TypeError(`the vector has no bytes "${name}"`);
    return concat(
      ...value.map((part: string | { repeat: string; length: number }) =>
        typeof part === 'string' ? fromHex(part) : new Uint8Array(part.length).fill(Number.parseInt(part.repeat, 16)),
      ),
    );
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number') throw new TypeError(`the vector has no number "${name}"`);
    return value;
  }
}
