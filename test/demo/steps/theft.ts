/** The laptop is stolen; a new one comes in and the old one goes out, in one step, by the other two. */
import { cpSync, rmSync } from 'node:fs';
import { enroll, run, unlock } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import type { Machine } from '../machine.ts';
import type { Stage } from '../stage.ts';
import { holders } from './devices.ts';

/** In the stage's directory: the stolen laptop as it was, and the shared folder of that day. */
const STOLEN = 'stolen';
export const OLD_FOLDER = 'shared-that-day';

/** A fresh copy of the stolen laptop, with the session that was open on it. */
export function stolenLaptop(stage: Stage, number: number): Machine {
  const copy = stage.copy(STOLEN, 'thief', `thief-${number}`);
  copy.session = stage.machine('laptop').session;
  return copy;
}

export async function theft(stage: Stage): Promise<void> {
  const { screen } = stage;
  const [laptop, phone, tablet] = [stage.machine('laptop'), stage.machine('phone'), stage.machine('tablet')];
  screen.say(
    'The laptop is stolen, with everything on its disk. (The demo keeps a copy of its home for the thief, and deletes it.) Phone and tablet are left, and two are enough. Maria buys a new laptop: the phone invites it in the place of the old one, the tablet agrees.',
  );
  stage.copy('laptop', 'thief', STOLEN);
  rmSync(laptop.directory, { recursive: true });
  cpSync(stage.shared, stage.path(OLD_FOLDER), { recursive: true });
  const before = await phone.start(['log']).done();
  const fresh = stage.machine('new-laptop');
  const change = await enroll(stage, { by: phone, newcomer: fresh, replace: 'laptop', approver: tablet });
  const log = await run(stage, phone, ['log']);
  const last = log.at(-1);
  screen.shows(`The newest entry: ${last.summary} (approved by ${last.approvedBy.join(' and ')})`);
  const one = log.length === before.length + 1 && last.slot === change.slot;
  screen.check(one, 'It was one decision: the new one in, the old one out.');
  const now = await holders(stage, 'tablet');
  screen.check(now.join() === 'phone,tablet,new-laptop', 'The holders are now phone, tablet and new-laptop.', () =>
    now.join(', '),
  );
  screen.say(
    'Whenever a holder leaves, the passport gets new keys. So tablet and new laptop ask for a session, and the phone, which made the new keys, says yes.',
  );
  await unlock(stage, [tablet, fresh], phone);
  await sameEverywhere(stage, [fresh], `The new laptop has all ${stage.records.size} records, byte for byte the same.`);
}
