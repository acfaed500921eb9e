/** Are the records of a device what they should be, byte for byte? The command exports them, and the files are compared. */
import { rmSync } from 'node:fs';
import type { Machine } from './machine.ts';
import { filesBelow } from './search.ts';
import type { Stage } from './stage.ts';

type Records = ReadonlyMap<string, Buffer>;

/** What differs between the records of this device and those expected; empty when nothing does. */
async function differences(machine: Machine, expected: Records): Promise<string[]> {
  const directory = machine.path('exported');
  try {
    const { renamed, skipped } = await machine.start(['export', '', 'exported']).done();
    const files = new Map<string, string>(renamed.map(({ key, file }: { key: string; file: string }) => [key, file]));
    const found = filesBelow(directory);
    const wrong: string[] = skipped.map(({ key, reason }: { key: string; reason: string }) => `${key}: ${reason}`);
    for (const [key, value] of expected) {
      const file = files.get(key) ?? key;
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

/** Compares all records on these machines with what they must be, and says so. */
export async function checkRecords(
  stage: Stage,
  machines: readonly Machine[],
  records: Records,
  text: string,
): Promise<void> {
  const wrong = await Promise.all(
    machines.map(async (machine) => (await differences(machine, records)).map((what) => `${machine.name}: ${what}`)),
  );
  stage.screen.check(wrong.flat().length === 0, text, () => wrong.flat().slice(0, 10).join('\n'));
}

/** The same for all records of Maria's passport. */
export function sameEverywhere(stage: Stage, machines: readonly Machine[], text: string): Promise<void> {
  return checkRecords(stage, machines, stage.records, text);
}
