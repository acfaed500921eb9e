/**
 * A small memory of opened objects, so that reading many records of one bundle decrypts it once. Objects are named by their
 * content, so nothing here grows old; it is emptied when the session's keys change. Bounded in bytes, least recently used first.
 */
const MAX_BYTES = 64 * 1024 * 1024;

interface Slot<T> {
  readonly sizeBytes: number;
  readonly value: T;
}

export class Opened {
  #slots = new Map<string, Slot<unknown>>();
  #bytes = 0;

  /** `T` must be the same for one `hash` at every call. Failures are not kept. */
  async get<T>(hash: string, open: () => Promise<Slot<T>>): Promise<T> {
    const known = this.#slots.get(hash);
    if (known !== undefined) {
      this.#slots.delete(hash);
      this.#slots.set(hash, known);
      return known.value as T;
    }
    const slots = this.#slots;
    const opened = await open();
    if (slots !== this.#slots || slots.has(hash)) return opened.value; // emptied or filled meanwhile
    slots.set(hash, opened);
    this.#bytes += opened.sizeBytes;
    for (const [oldest, slot] of slots) {
      if (this.#bytes <= MAX_BYTES || oldest === hash) break;
      slots.delete(oldest);
      this.#bytes -= slot.sizeBytes;
    }
    return opened.value;
  }

  clear(): void {
    this.#slots = new Map();
    this.#bytes = 0;
  }
}
