/** What the thief can do with the stolen laptop, both passphrases, an old kit and the shared folder. */
import { writeFileSync } from 'node:fs';
import { attempt, run, shortId, start, twoDigits } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import type { Machine, Result } from '../machine.ts';
import { filesBelow } from '../search.ts';
import { password } from '../secrets.ts';
import type { Stage } from '../stage.ts';
import { checkNothingFound } from './stranger.ts';
import { stolenLaptop } from './theft.ts';

const LOGIN = 'logins/bank.example';

const WHY = { revoked: 'the laptop is out', 'kit-unknown': 'the sheet is out' } as const;

interface Attempt {
  readonly hope: string;
  readonly commands: readonly (readonly string[])[];
  /** The error that the last command must end with. */
  readonly refusal: keyof typeof WHY;
}

const ATTEMPTS: readonly Attempt[] = [
  { hope: 'A new session, with the passphrase', commands: [['unlock', '--wait', '5s']], refusal: 'revoked' },
  {
    hope: 'A new session, with an old sheet',
    commands: [['unlock', '--kit', '../paper/kit-2.txt', '--wait', '5s']],
    refusal: 'kit-unknown',
  },
  {
    hope: 'A device of his own among the holders',
    commands: [['sync'], ['invite', '--replace', 'phone', '--wait', '5s']],
    refusal: 'revoked',
  },
  { hope: 'The phone out', commands: [['revoke', 'phone', '--no-kit', '--wait', '5s']], refusal: 'revoked' },
  {
    hope: 'Another passphrase',
    commands: [['passphrase', '--new-passphrase-file', 'forged.txt', '--wait', '5s']],
    refusal: 'revoked',
  },
];

async function runAll(machine: Machine, commands: Attempt['commands']): Promise<Result> {
  const results = [];
  for (const command of commands) results.push(await machine.start(command).result);
  return results.at(-1) as Result;
}

export async function thief(stage: Stage): Promise<void> {
  const { screen, records } = stage;
  const devices = [stage.machine('phone'), stage.machine('tablet'), stage.machine('new-laptop')] as const;
  const [phone, tablet] = devices;
  screen.say(
    'Assume the worst: the laptop was open when it was taken. The thief also saw Maria type her passphrases, found an old sheet of paper, and can read and write the shared folder. What the laptop could read that day, he can read; nothing changes that. So Maria changes what matters, first her login at the bank:',
  );
  const old = records.get(LOGIN) as Buffer;
  const login = Buffer.from(
    `${JSON.stringify({ site: 'https://bank.example', user: 'maria', password: password() })}\n`,
  );
  await run(stage, phone, ['put', LOGIN, '-'], { file: 'new-login.json', bytes: login });
  stage.expect(LOGIN, login);
  await run(stage, phone, ['sync']);
  const before = await phone.start(['log']).done();

  screen.say(
    'The thief makes copies of the laptop. In one he syncs, and reads. In another he first writes, before it can learn that it is out:',
  );
  const [reader, writer] = [stolenLaptop(stage, 1), stolenLaptop(stage, 2)];
  const forged = Buffer.from('forged by the thief\n');
  screen.command('thief', ['sync']);
  screen.command('thief', ['get', LOGIN]);
  const reading = reader.start(['sync']).done();
  const writing = run(stage, writer, ['put', LOGIN, '-'], { file: 'forged.txt', bytes: forged });
  screen.command('thief', ['sync']);
  await Promise.all([reading, writing]);
  const [got] = await Promise.all([reader.start(['get', LOGIN]).done(), writer.start(['sync']).done()]);
  screen.check(Buffer.from(got.value, got.encoding).equals(old), 'He gets the old login, never the new one.');
  screen.shows('(What he wrote is in his own copy. Whether anybody else takes it is seen below.)');

  screen.say('The tablet asks for a session. He says yes, with the right number, which he saw over her shoulder:');
  const asking = start(stage, tablet, ['unlock', '--wait', '0']);
  const asked = await asking.event('number');
  screen.shows(`tablet shows the number ${twoDigits(asked)}`);
  await asking.result;
  const helper = stolenLaptop(stage, 3);
  await run(stage, helper, ['sync']);
  const approved = await attempt(stage, helper, ['approve', shortId(asked), '--number', twoDigits(asked), '--yes']);
  const again = await tablet.start(['unlock', '--wait', '0']).result;
  await tablet.start(['cancel', String(asked['id'])]).done();
  screen.check(
    approved.exit !== 0 && again.error === 'waiting',
    'He cannot, and the tablet goes on waiting for somebody who counts.',
    () => JSON.stringify([approved.json, again.json]),
  );

  screen.say('He tries the rest, each from a fresh copy of the stolen laptop:');
  const results = await Promise.all(
    ATTEMPTS.map(({ commands }, i) => {
      const machine = stolenLaptop(stage, 4 + i);
      writeFileSync(machine.path('forged.txt'), forged, { mode: 0o600 });
      return runAll(machine, commands);
    }),
  );
  for (const [i, { hope, commands, refusal }] of ATTEMPTS.entries()) {
    const { json, error } = results[i] as Result;
    for (const command of commands) screen.command('thief', command);
    screen.check(error === refusal, `${hope}? No: ${WHY[refusal]}.`, () => JSON.stringify(json));
  }

  screen.say('Has anything changed for Maria?');
  await Promise.all(devices.map((machine) => run(stage, machine, ['sync'])));
  await sameEverywhere(stage, devices, `All ${records.size} records are as she wrote them, on all three devices.`);
  const log = await tablet.start(['log']).done();
  screen.check(JSON.stringify(log) === JSON.stringify(before), 'Nobody came in, nobody went out, no rule was changed.');
  const disk = stolenLaptop(stage, 0);
  checkNothingFound(stage, filesBelow(disk.directory), "on the stolen laptop's disk");
}
