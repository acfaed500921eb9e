/** The laptop is stolen; a new one comes in and the old one goes out, in one step, by the other two. */
import { rmSync } from 'node:fs';
import { enroll, run, unlock } from '../ceremony.ts';
import { differences, sameEverywhere } from '../compare.ts';
import type { Stage } from '../stage.ts';
import { holders } from './devices.ts';

export async function theft(stage: Stage): Promise<void> {
  const { screen } = stage;
  const [laptop, phone, tablet] = ['laptop', 'phone', 'tablet'].map((name) => stage.machine(name)) as [any, any, any];
  stage.copy(laptop, 'thief').session = laptop.session;
  rmSync(laptop.directory, { recursive: true });
  screen.say(
    'The laptop is stolen, and with it everything on its disk. (The demo gives a copy of its home to a thief, and deletes it.) Phone and tablet are left, and two are enough. Maria buys a new laptop. The phone invites it in the place of the old one, the tablet agrees:',
  );
  const before = await run(stage, phone, ['log']);
  const fresh = stage.machine('new-laptop');
  const change = await enroll(stage, { by: phone, newcomer: fresh, replace: 'laptop', approver: tablet });
  const log = await phone.start(['log']).done();
  const last = log.at(-1);
  screen.shows(`The log says: ${last.summary}, approved by ${last.approvedBy.join(' and ')}`);
  screen.check(log.length === before.length + 1 && last.slot === change.slot, 'It was one decision: the new one in, the old one out.');
  const now = await holders(stage, 'tablet');
  screen.check(now.join() === 'phone,tablet,new-laptop', 'The holders are now phone, tablet and new-laptop.', () => now.join(', '));
  screen.say('Every change of holders makes new keys, so tablet and new laptop ask for a new session. The phone, which made the keys, says yes:');
  await unlock(stage, [tablet, fresh], phone);
  const wrong = await differences(fresh, stage.records);
  screen.check(wrong.length === 0, `The new laptop has all ${stage.records.size} records, the same byte for byte.`, () => wrong.slice(0, 10).join('\n'));
  await sameEverywhere(stage, [phone, tablet], 'So have phone and tablet.');
}
