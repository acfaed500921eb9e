/** A second passport, which loses all its devices and comes back from two kits. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { attempt, keepSession, run } from '../ceremony.ts';
import { checkRecords } from '../compare.ts';
import type { Stage } from '../stage.ts';
import { noteKits } from './create.ts';

export async function lostAndFound(stage: Stage): Promise<void> {
  const { screen } = stage;
  const desktop = stage.machine('desktop');
  screen.say(
    'Paul has one computer, and a passport of his own in the same folder. His two sheets of paper lie at his sister’s and in his office.',
  );
  const init = ['init', '--name', 'desktop', '--store', 'folder:../shared', '--kit-out', '../paper-of-paul'];
  keepSession(desktop, await run(stage, desktop, init));
  noteKits(stage, 'paper-of-paul');
  const records = new Map([
    ['diary/first-of-may', Buffer.from('Today the garden was finished at last.\n')],
    ['photos/garden.raw', randomBytes(100_000)],
  ]);
  for (const [key, value] of records) {
    const file = key.split('/')[1] as string;
    writeFileSync(desktop.path(file), value);
    await run(stage, desktop, ['put', key, file]);
    stage.written.push({ what: key, bytes: value });
  }
  await run(stage, desktop, ['sync']);
  rmSync(desktop.directory, { recursive: true });
  screen.say('His house burns down, and with it all his devices. On a borrowed computer he starts with one sheet:');
  const rescue = stage.machine('rescue');
  const recover = ['recover', '--store', 'folder:../shared', '--name', 'rescue', '--yes'];
  const kits = [1, 2].map((number) => ['--kit', `../paper-of-paul/kit-${number}.txt`]) as [string[], string[]];
  const alone = await attempt(stage, rescue, [...recover, ...kits[0]]);
  screen.check(alone.error === 'not-enough-holders', 'Refused: one sheet is one holder, and two are needed.', () =>
    JSON.stringify(alone.json),
  );
  screen.say('Then with both:');
  const recovered = await run(stage, rescue, [...recover, ...kits.flat()]);
  keepSession(rescue, recovered);
  await checkRecords(stage, [rescue], records, 'Everything is back, byte for byte, and the burnt computer is out.');
  screen.check(recovered.canLose === 1, 'The borrowed computer and the two sheets hold it now; one may be lost.');
}
