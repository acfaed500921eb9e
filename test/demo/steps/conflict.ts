/** Phone and tablet write the same record while neither sees the other. */
import { run } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import type { Json } from '../machine.ts';
import type { Stage } from '../stage.ts';

const KEY = 'home/wifi-password';

export async function conflict(stage: Stage): Promise<void> {
  const { screen } = stage;
  const [phone, tablet] = [stage.machine('phone'), stage.machine('tablet')];
  screen.say(
    'Maria changes the password of her wifi, in the cellar, without a network. Then she does it again upstairs, on the tablet, also without:',
  );
  const byPhone = Buffer.from('pass-from-the-cellar\n');
  const byTablet = Buffer.from('pass-from-upstairs\n');
  await run(stage, phone, ['put', KEY, '-'], { file: 'wifi.txt', bytes: byPhone });
  await run(stage, tablet, ['put', KEY, '-'], { file: 'wifi.txt', bytes: byTablet });
  stage.written.push({ what: KEY, bytes: byPhone });
  stage.expect(KEY, byTablet);
  screen.say('Later, both have a network:');
  for (const machine of [phone, tablet, phone]) await run(stage, machine, ['sync']);
  await sameEverywhere(stage, [phone, tablet], 'Both show the newer one, without asking anybody.');
  const seen = await Promise.all([phone, tablet].map((machine) => machine.start(['conflicts']).done()));
  screen.command('tablet', ['conflicts']);
  const [[onPhone], [found]] = seen as [Json, Json];
  const two = seen.every((conflicts) => conflicts.length === 1 && conflicts[0].versions.length === 2);
  screen.check(
    two && found.key === KEY && onPhone.id === found.id,
    'Both say that there were two, and nothing was thrown away.',
    () => JSON.stringify(seen),
  );
  const older = found.versions.find(({ winner }: { winner: boolean }) => !winner);
  screen.say('But the wifi was really changed in the cellar. So Maria settles it by hand:');
  await run(stage, tablet, ['resolve', found.id.slice(0, 12), '--take', older.version.slice(0, 12)]);
  stage.expect(KEY, byPhone);
  for (const machine of [tablet, phone]) await run(stage, machine, ['sync']);
  await sameEverywhere(stage, [phone, tablet], 'Both show the one that she chose.');
  const left = await Promise.all([phone, tablet].map((machine) => machine.start(['conflicts']).done()));
  screen.check(left.flat().length === 0, 'Nothing is open any more.', () => JSON.stringify(left));
}
