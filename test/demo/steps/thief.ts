/** What the thief can do with the stolen laptop, both passphrases, an old kit and the shared folder. */
import { keepSession, run } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import type { Machine, Result } from '../machine.ts';
import { filesBelow } from '../search.ts';
import { password } from '../secrets.ts';
import type { Stage } from '../stage.ts';
import { report, searchFor } from './stranger.ts';

const LOGIN = 'logins/bank.example';

interface Attempt {
  /** What he hopes for. */
  readonly hope: string;
  readonly commands: readonly (readonly string[])[];
  /** Exit codes and errors that mean no; the last command must end with one of them. */
  readonly refusals: readonly string[];
}

const ATTEMPTS: readonly Attempt[] = [
  { hope: 'A session of his own', commands: [['unlock', '--wait', '5s']], refusals: ['revoked'] },
  { hope: 'The same with an old sheet', commands: [['unlock', '--kit', '../paper/kit-2.txt']], refusals: ['kit-unknown', 'revoked'] },
  { hope: 'Another record of his', commands: [['sync'], ['put', 'a/gift', 'gift.txt']], refusals: ['revoked'] },
  { hope: 'A device of his own in the mesh', commands: [['sync'], ['invite', '--replace', 'phone']], refusals: ['revoked'] },
  { hope: 'The phone out of the mesh', commands: [['revoke', 'phone', '--no-kit', '--wait', '5s']], refusals: ['revoked'] },
  { hope: 'Another passphrase', commands: [['passphrase', '--new-passphrase-file', 'gift.txt', '--wait', '5s']], refusals: ['revoked'] },
];

/** A fresh copy of the stolen laptop, with the session that was open on it. */
function stolen(stage: Stage, number: number): Machine {
  const thief = stage.machine('thief');
  const copy = stage.copy(thief, `thief-${number}`, 'thief');
  copy.session = thief.session;
  return copy;
}

async function runAll(machine: Machine, commands: Attempt['commands']): Promise<Result> {
  let result: Result | undefined;
  for (const command of commands) result = await machine.start(command).result;
  return result as Result;
}

export async function thief(stage: Stage): Promise<void> {
  const { screen, records } = stage;
  const devices = ['phone', 'tablet', 'new-laptop'].map((name) => stage.machine(name)) as [Machine, Machine, Machine];
  const [phone, tablet] = devices;
  screen.say(
    'The worst case: the laptop was open when it was taken. The thief also saw Maria type her passphrases, found a sheet of paper, and can read and write the shared folder. What the laptop could read that day, he can read; no lock changes that. So Maria changes what matters, first of all her login at the bank:',
  );
  const old = records.get(LOGIN) as Buffer;
  const value = Buffer.from(`${JSON.stringify({ site: 'https://bank.example', user: 'maria', password: password() })}\n`);
  await run(stage, phone, ['put', LOGIN, '-'], { file: 'new-login.json', bytes: value });
  records.set(LOGIN, value);
  await run(stage, phone, ['sync']);
  const before = await phone.start(['log']).done();

  screen.say('The thief reads on, in the open session:');
  const reader = stolen(stage, 0);
  await run(stage, reader, ['sync']);
  const got = await run(stage, reader, ['get', LOGIN]);
  screen.check(Buffer.from(got.value, got.encoding).equals(old), 'He gets the old login, and not the new one: what is written now has other keys.');

  screen.say('He writes, before his copy can learn that it is out:');
  const writer = stolen(stage, 1);
  const gift = Buffer.from('my own bank account, please\n');
  await run(stage, writer, ['put', LOGIN, '-'], { file: 'forged.json', bytes: gift });
  await run(stage, writer, ['sync']);
  screen.shows('His copy takes it. Whether anybody else does is seen below.');

  screen.say('The tablet asks for a session; he gives the approval, with the right number, which he saw:');
  const asking = tablet.start(['unlock', '--wait', '0']);
  const number = await asking.event('number');
  await asking.result;
  const helper = stolen(stage, 2);
  const approve = ['approve', String(number['id']).slice(0, 8), '--number', String(number['number']).padStart(2, '0'), '--yes'];
  screen.command('thief', ['sync']);
  screen.command('thief', approve);
  const approved = await runAll(helper, [['sync'], approve]);
  screen.check(approved.exit !== 0, `Refused: ${approved.error}.`, () => JSON.stringify(approved.json));
  const again = await tablet.start(['unlock', '--wait', '0']).result;
  screen.check(again.error === 'waiting', 'The tablet still waits: his approval does not count.', () => JSON.stringify(again.json));
  await tablet.start(['cancel', String(number['id'])]).done();

  screen.say('And the rest, each from a fresh copy of the stolen laptop:');
  const results = await Promise.all(
    ATTEMPTS.map(async ({ commands }, i) => {
      const machine = stolen(stage, 3 + i);
      return runAll(machine, commands);
    }),
  );
  for (const [i, { hope, commands, refusals }] of ATTEMPTS.entries()) {
    const { json, error } = results[i] as Result;
    for (const command of commands) screen.command('thief', command);
    screen.check(refusals.includes(error ?? ''), `${hope}? Refused: ${error ?? 'no'}.`, () => JSON.stringify(json));
  }

  screen.say('Has anything changed for Maria?');
  for (const machine of devices) await run(stage, machine, ['sync']);
  await sameEverywhere(stage, devices, `All ${records.size} records are as Maria wrote them, on all three devices.`);
  const log = await tablet.start(['log']).done();
  screen.check(JSON.stringify(log) === JSON.stringify(before), 'Nobody came in, nobody went out, no rule was changed.');
  const disk = stage.copy(stage.machine('thief'), 'disk', 'thief');
  report(stage, searchFor(stage), filesBelow(disk.directory), 'on the disk of the stolen laptop');
  void keepSession;
}
