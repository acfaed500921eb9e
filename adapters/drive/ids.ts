/**
 * Ids for new files, reserved before they are used: "subsequent retries return a 409 Conflict … duplicate files aren't created"
 * (guides/create-file). A hundred at a time, kept between runs, so that a new file costs one request. A process takes a few out of
 * what is kept before it uses one: after a crash they are lost, never used twice.
 */
import { unlessAborted } from './abort.ts';
import type { Space } from './address.ts';
import type { DriveClient } from './client.ts';
import type { DriveState } from './state.ts';

const COUNT = 100;
const BLOCK = 20;

export class ReservedIds {
  readonly #client: DriveClient;
  readonly #state: DriveState;
  readonly #space: Space;
  /** Taken out, not used yet. */
  #own: string[] = [];
  #taking: Promise<void> | undefined;
  /** Some of them were reserved by an earlier run. */
  #old: boolean;

  constructor(client: DriveClient, state: DriveState, space: Space) {
    this.#client = client;
    this.#state = state;
    this.#space = space;
    this.#old = state.spareIds.length > 0;
  }

  async take(signal?: AbortSignal): Promise<string> {
    for (;;) {
      const id = this.#own.shift();
      if (id !== undefined) return id;
      this.#taking ??= this.#takeBlock().finally(() => {
        this.#taking = undefined;
      });
      await unlessAborted(this.#taking, signal);
    }
  }

  /** Another process used one of them, or Drive does not want them any more. True when they were reserved long ago. */
  discard(): boolean {
    const old = this.#old;
    this.#old = false;
    this.#own = [];
    this.#state.spareIds = [];
    return old;
  }

  /** What was not used may be kept again. */
  giveBack(): void {
    this.#state.spareIds.unshift(...this.#own.splice(0));
  }

  async #takeBlock(): Promise<void> {
    const spare = this.#state.spareIds;
    if (spare.length === 0) {
      this.#old = false;
      const params = { count: COUNT, space: this.#space, type: 'files' };
      const { data } = await this.#client.call(undefined, () => this.#client.files.generateIds(params));
      spare.push(...(data.ids ?? []));
    }
    const block = spare.splice(0, BLOCK);
    await this.#client.save();
    this.#own.push(...block);
  }
}
