/** The place of the story: a fresh temporary directory with the machines, the shared folder, the paper, and what must hold. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine, type Owner, type Running } from './machine.ts';
import { Screen } from './screen.ts';
import type { Needle } from './search.ts';
import type { Folder } from './secrets.ts';

export class Stage {
  readonly screen = new Screen();
  readonly root: string;
  /** The folder that all devices share, and strangers may read. */
  readonly shared: string;
  readonly folders: readonly Folder[];
  /** The records of Maria's passport as they must be now, on every device, byte for byte. */
  readonly records = new Map<string, Buffer>();
  /** Every value that was ever written, by its key, and other secrets: nobody may find them. */
  readonly written: Needle[] = [];
  readonly others: Needle[];
  readonly #owner: Owner;
  readonly #machines = new Map<string, Machine>();
  readonly #later: Running[] = [];

  constructor(owner: Owner, folders: readonly Folder[]) {
    this.#owner = owner;
    this.folders = folders;
    this.others = [
      { what: 'the passphrase', bytes: Buffer.from(owner.passphrase) },
      { what: 'the passphrase of the devices', bytes: Buffer.from(owner.devicePassphrase) },
    ];
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'passport-demo-')));
    this.shared = this.path('shared');
    mkdirSync(this.shared);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** The machine of this name; its directory is made when it is first called for. */
  machine(name: string): Machine {
    const known = this.#machines.get(name) ?? new Machine(name, this.path(name), this.#owner);
    this.#machines.set(name, known);
    return known;
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  /** A machine with all that is in this directory of the stage. */
  copy(from: string, name: string, to: string): Machine {
    cpSync(this.path(from), this.path(to), { recursive: true });
    return new Machine(name, this.path(to), this.#owner);
  }

  /** Maria wrote this: from now on every device must have it. */
  expect(key: string, value: Buffer): void {
    this.records.set(key, value);
    this.written.push({ what: key, bytes: value });
  }

  /** A command that nobody waits for now, but that must end well. */
  endsLater(command: Running): void {
    this.#later.push(command);
  }

  /** Until all of them have. */
  async allEnded(): Promise<void> {
    for (const command of this.#later) await command.done();
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
