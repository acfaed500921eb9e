/** The place of the story: a fresh temporary directory with the machines, the shared folder, the paper, and what must hold. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine, type Owner } from './machine.ts';
import { Screen } from './screen.ts';
import type { Needle } from './search.ts';
import type { Folder, Secret } from './secrets.ts';

export class Stage {
  readonly screen = new Screen();
  readonly root: string;
  /** The folder that all devices share, and strangers may read. */
  readonly shared: string;
  readonly #owner: Owner;
  readonly #machines = new Map<string, Machine>();
  /** What every device must have, byte for byte. */
  readonly records = new Map<string, Buffer>();
  /** Secrets that are no records: they must not be found in the folder either. */
  readonly others: Needle[] = [];
  secrets: readonly Secret[] = [];
  folders: readonly Folder[] = [];

  constructor(owner: Owner) {
    this.#owner = owner;
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'passport-demo-')));
    this.shared = this.path('shared');
    mkdirSync(this.shared);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  machine(name: string): Machine {
    const known = this.#machines.get(name) ?? new Machine(name, this.path(name), this.#owner);
    this.#machines.set(name, known);
    return known;
  }

  /** Another machine with all that is on the disk of this one, but no open session. */
  copy(machine: Machine, name: string): Machine {
    cpSync(machine.directory, this.path(name), { recursive: true });
    return this.machine(name);
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
