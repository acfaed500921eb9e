/** The shared folder is put back to an older state, which is noticed and healed. */
import { cpSync, rmSync } from 'node:fs';
import { run } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import { filesBelow } from '../search.ts';
import type { Stage } from '../stage.ts';
import { OLD_FOLDER } from './theft.ts';

/** Mail is deleted when it was read, and with new keys the grants of older ones are: they need not come back. */
function stillCounts(name: string, all: readonly string[]): boolean {
  const [, root, kind = '', object = ''] = /^(p\/[^/]+\/)(grant|reg|hot)\/(.*)$/.exec(name) ?? [];
  if (kind !== 'grant') return !object.startsWith('m-');
  const epoch = `${root}grant/${object.slice(0, 8)}`;
  return !all.some((other) => other.startsWith(`${root}grant/`) && other.slice(0, epoch.length) > epoch);
}

export async function rollback(stage: Stage): Promise<void> {
  const { screen, shared } = stage;
  const [phone, tablet, fresh] = [stage.machine('phone'), stage.machine('tablet'), stage.machine('new-laptop')];
  screen.say(
    'Somebody replaces the whole folder by a copy of the day of the theft. It may be a mistake with a backup. It may be the thief: on that day, the stolen laptop still counted. Of Paul’s passport, the copy has nothing at all.',
  );
  const before = filesBelow(shared);
  rmSync(shared, { recursive: true });
  cpSync(stage.path(OLD_FOLDER), shared, { recursive: true });
  const [store] = (await run(stage, phone, ['sync'])).stores;
  screen.check(
    store.state === 'rolled-back' && store.lost.length > 0,
    'The phone notices at once: the folder is older than what it has seen there.',
    () => JSON.stringify(store),
  );
  screen.say('Every device has everything, and puts back what is missing:');
  await Promise.all([tablet, fresh, stage.machine('rescue')].map((machine) => run(stage, machine, ['sync'])));
  const after = filesBelow(shared);
  const names = [...before.keys()];
  const gone = names.filter(
    (name) => stillCounts(name, names) && after.get(name)?.equals(before.get(name) as Buffer) !== true,
  );
  screen.check(gone.length === 0, 'Everything that counts is in the folder again.', () => gone.join('\n'));
  const log = await run(stage, fresh, ['log']);
  const out = log.at(-1).summary.includes('in the place of "laptop"');
  screen.check(out, 'The stolen laptop is still out.', () => JSON.stringify(log.at(-1)));
  await sameEverywhere(stage, [phone, tablet, fresh], `All ${stage.records.size} records are on all three devices.`);
  const verified = await run(stage, fresh, ['verify']);
  screen.check(
    verified.ok === true,
    `${verified.checked} objects and signatures are verified, and none is wrong.`,
    () => JSON.stringify(verified),
  );
}
