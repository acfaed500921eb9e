/** Are the records of a device what they should be, byte for byte? They are exported by the command, and the files compared. */
import { readFileSync, rmSync } from 'node:fs';
import type { Machine } from './machine.ts';
import { filesBelow } from './search.ts';
import type { Stage } from './stage.ts';

/** What differs between the records of this device and those expected; empty when nothing does. */
export async function differences(machine: Machine, expected: ReadonlyMap<string, Buffer>): Promise<string[]> {
  const directory = machine.path('exported');
  try {
    const { renamed, skipped } = await machine.start(['export', '', 'exported']).done();
    const fileOf = new Map<string, string>((renamed as { key: string; file: string }[]).map(({ key, file }) => [key, file]));
    const found = filesBelow(directory);
    const wrong = (skipped as { key: string; reason: string }[]).map(({ key, reason }) => `${key}: ${reason}`);
    for (const [key, value] of expected) {
      const file = fileOf.get(key) ?? key;
      const got = found.get(file);
      if (got === undefined) wrong.push(`${key} is missing`);
      else if (!got.equals(value)) wrong.push(`${key} differs`);
      found.delete(file);
    }
    return [...wrong, ...[...found.keys()].map((file) => `${file} is too many`)];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Compares all records on these machines with the originals, and says so. */
export async function sameEverywhere(stage: Stage, machines: readonly Machine[], text: string): Promise<void> {
  const wrong = await Promise.all(
    machines.map(async (machine) => (await differences(machine, stage.records)).map((what) => `${machine.name}: ${what}`)),
  );
  stage.screen.check(wrong.flat().length === 0, text, () => wrong.flat().slice(0, 10).join('\n'));
}

export function read(machine: Machine, file: string): Buffer {
  return readFileSync(machine.path(file));
}
