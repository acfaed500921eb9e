/** Two more devices take the places of the two sheets of paper. */
import { attempt, enroll, run, unlock } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import type { Stage } from '../stage.ts';

/** Names of the holders now. */
export async function holders(stage: Stage, name: string): Promise<string[]> {
  const devices: { name: string; state: string }[] = await stage.machine(name).start(['devices']).done();
  return devices.filter(({ state }) => state === 'active').map((device) => device.name);
}

export async function phoneJoins(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.say(
    'Paper is slow, so a phone takes the place of one sheet. The laptop invites it. Both compute three words from what they told each other; Maria types them on the laptop. Had somebody been between the two, the words would differ.',
  );
  screen.say(
    'One holder alone cannot let anybody in, not even the laptop that made the passport. So Maria fetches the sheet, for the last time, as the second holder.',
  );
  await enroll(stage, { by: stage.machine('laptop'), newcomer: stage.machine('phone'), kit: '../paper/kit-2.txt' });
  const now = await holders(stage, 'laptop');
  screen.check(now.join() === 'laptop,kit-1,phone', 'The holders are now laptop, kit-1 and phone.', () =>
    now.join(', '),
  );
}

export async function tabletJoins(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.say(
    'Now a tablet for the other sheet. This time the phone is the second holder: Maria reads the number on the laptop and types it on the phone, so that she cannot approve the wrong thing by a tap.',
  );
  await enroll(stage, {
    by: stage.machine('laptop'),
    newcomer: stage.machine('tablet'),
    approver: stage.machine('phone'),
  });
  const now = await holders(stage, 'laptop');
  screen.check(now.join() === 'laptop,phone,tablet', 'The holders are now laptop, phone and tablet.', () =>
    now.join(', '),
  );
  const kits = ['kit-1', 'kit-2'].map((kit) => ['kit', 'check', '--kit', `../paper/${kit}.txt`]);
  const checks = await Promise.all(kits.map((args) => attempt(stage, stage.machine('laptop'), args)));
  screen.check(
    checks.every(({ error }) => error === 'kit-unknown'),
    'The two sheets of paper are worth nothing any more.',
    () => checks.map(({ json }) => JSON.stringify(json)).join('\n'),
  );
}

export async function allRead(stage: Stage): Promise<void> {
  const { screen } = stage;
  const [laptop, phone, tablet] = [stage.machine('laptop'), stage.machine('phone'), stage.machine('tablet')];
  screen.say(
    'Phone and tablet have received everything, but sealed. Each alone knows too little to open it, although it knows the passphrase:',
  );
  const alone = await Promise.all([attempt(stage, phone, ['get', 'ssh/id_ed25519']), attempt(stage, tablet, ['ls'])]);
  screen.check(
    alone.every(({ error }) => error === 'locked'),
    'Refused: the passport is locked.',
    () => alone.map(({ json }) => JSON.stringify(json)).join('\n'),
  );
  screen.say('So each asks the others. Maria compares the numbers and says yes on the laptop:');
  await unlock(stage, [phone, tablet], laptop);
  await Promise.all([phone, tablet].map((machine) => machine.start(['sync']).done()));
  await sameEverywhere(
    stage,
    [laptop, phone, tablet],
    `All ${stage.records.size} records are on all three, the same byte for byte.`,
  );
  const status = await run(stage, phone, ['status']);
  screen.check(status.canLose === 1, 'Any one of the three may be lost.');
}
