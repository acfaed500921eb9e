/** What no message may hold: every secret of a world, in each way in which somebody could have written it. */
import { base32, base64url, type Bytes, hex } from '../../src/bytes.ts';
import { Wrong } from './target.ts';

export class Secrets {
  readonly #forms = new Map<string, string>();

  addBytes(what: string, bytes: Bytes): void {
    for (const form of [hex(bytes), base32(bytes), base64url(bytes), bytes.join(',')]) this.#forms.set(form, what);
    this.#forms.set(
      Object.entries(bytes)
        .map(([i, byte]) => `"${i}":${byte}`)
        .join(','),
      what,
    ); // JSON of a Uint8Array
  }

  addText(what: string, text: string): void {
    this.#forms.set(text, what);
  }

  /** Any two words of a kit that follow each other. */
  addWords(what: string, words: string): void {
    const list = words.split(' ');
    for (let i = 1; i < list.length; i++) this.#forms.set(`${list[i - 1]} ${list[i]}`, what);
  }

  /** Throws `Wrong` when the text holds one. */
  check(where: string, text: string): void {
    for (const [form, what] of this.#forms) {
      if (text.includes(form)) throw new Wrong('secret', `${where} holds ${what}`);
    }
  }

  get size(): number {
    return this.#forms.size;
  }
}
