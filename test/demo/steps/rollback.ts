/** The shared folder is put back to an older state, which is noticed and healed. */
import { cpSync, rmSync } from 'node:fs';
import { run } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import { filesBelow } from '../search.ts';
import type { Stage } from '../stage.ts';
import { OLD_FOLDER } from './theft.ts';

/**
 * What must come back of these objects: entries of the registry, each by its slot (two devices may have put it with different
 * signatures of the same holders); the grants of the newest epoch; and all records. Votes and mail are done with some time.
 */
function lasting(files: Iterable<string>): Set<string> {
  const grants: string[] = [];
  const found = new Set<string>();
  for (const name of files) {
    if (name.includes('/grant/')) grants.push(name);
    else if (name.includes('/reg/')) found.add(name.slice(0, name.lastIndexOf('-')));
    else if (name.includes('/hot/c-')) found.add(name);
  }
  for (const name of grants) {
    const [root = '', object = ''] = name.split('/grant/');
    const newest = grants
      .filter((other) => other.startsWith(`${root}/`))
      .sort()
      .at(-1)
      ?.slice(root.length + 7, root.length + 15);
    if (object.slice(0, 8) === newest) found.add(name);
  }
  return found;
}

export async function rollback(stage: Stage): Promise<void> {
  const { screen, shared } = stage;
  const [phone, tablet, fresh] = [stage.machine('phone'), stage.machine('tablet'), stage.machine('new-laptop')];
  screen.say(
    'Somebody replaces the whole folder by a copy of the day of the theft. It may be a mistake with a backup. It may be the thief: on that day, the stolen laptop still counted. Of Paul’s passport, the copy has nothing at all.',
  );
  const before = lasting(filesBelow(shared).keys());
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
  const after = lasting(filesBelow(shared).keys());
  const gone = [...before].filter((name) => !after.has(name));
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
