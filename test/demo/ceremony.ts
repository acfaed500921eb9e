/** What takes several devices at once: letting a new one in, opening a session, syncing. Each device is its own process. */
import { CommandFailed, type Event, type Json, type Machine, type Result, type Running } from './machine.ts';
import type { Stage } from './stage.ts';

/** Runs one command that must succeed, and shows it. */
export async function run(
  stage: Stage,
  machine: Machine,
  args: readonly string[],
  input?: { file: string; bytes: Uint8Array },
): Promise<Json> {
  return start(stage, machine, args, input).done();
}

/** The same without waiting for its end. */
export function start(
  stage: Stage,
  machine: Machine,
  args: readonly string[],
  input?: { file: string; bytes: Uint8Array },
): Running {
  stage.screen.command(machine.name, args, input?.file);
  return machine.start(args, input?.bytes);
}

/** Runs one command that is expected to fail, and shows it. */
export function attempt(stage: Stage, machine: Machine, args: readonly string[]): Promise<Result> {
  return start(stage, machine, args).result;
}

/** The session that a command hands over is from now on in the shell of its device. */
export function keepSession(machine: Machine, document: { session?: string | null }): void {
  if (typeof document.session === 'string') machine.session = document.session;
}

export function twoDigits(event: Event): string {
  return String(event['number']).padStart(2, '0');
}

/** As much of the id of a request as a person types. */
export function shortId(event: Event): string {
  return String(event['id']).slice(0, 8);
}

export interface Enrolling {
  /** The device that invites. */
  readonly by: Machine;
  readonly newcomer: Machine;
  /** The holder whose place it takes; otherwise the newest kit. */
  readonly replace?: string;
  /** A kit at hand on the inviting device, as the second holder. */
  readonly kit?: string;
  /** Another device that approves, as the second holder. */
  readonly approver?: Machine;
}

/** An invitation, its answer, the three words, and the approval of the second holder. Returns the change that was decided. */
export async function enroll(stage: Stage, { by, newcomer, replace, kit, approver }: Enrolling): Promise<Json> {
  const { screen } = stage;
  const inviting = start(stage, by, ['invite', ...(replace === undefined ? [] : ['--replace', replace])]);
  const invited = await inviting.event('link');
  const joining = start(stage, newcomer, ['join', String(invited['link']), '--name', newcomer.name, '--yes']);
  const words = ((await joining.event('words'))['words'] as string[]).join(' ');
  screen.shows(`${newcomer.name} shows three words: ${words}`);
  await inviting.event('answered');
  const kits = kit === undefined ? [] : ['--kit', kit];
  const approving = start(stage, by, ['approve', shortId(invited), '--words', words, ...kits]);
  if (approver !== undefined) {
    const asked = await approving.event('number');
    screen.shows(`${by.name} asks the others, and shows the number ${twoDigits(asked)}`);
    await approving.event('waiting'); // said when the request lies in the folder
    await run(stage, approver, ['sync']);
    await run(stage, approver, ['approve', shortId(asked), '--number', twoDigits(asked), '--yes']);
  }
  const change = await approving.done();
  await joining.done();
  stage.endsLater(inviting);
  keepSession(by, change);
  return change;
}

/** Each device asks for a session, and `approver` answers them one after the other. */
export async function unlock(stage: Stage, machines: readonly Machine[], approver: Machine): Promise<void> {
  const { screen } = stage;
  const asking = machines.map((machine) => ({ machine, unlocking: start(stage, machine, ['unlock']) }));
  const asked: Event[] = [];
  for (const { machine, unlocking } of asking) {
    const event = await unlocking.event('number');
    screen.shows(`${machine.name} shows the number ${twoDigits(event)}`);
    asked.push(event);
  }
  await untilAsked(
    stage,
    approver,
    asked.map(({ id }) => id),
  );
  for (const event of asked) {
    await run(stage, approver, ['approve', shortId(event), '--number', twoDigits(event), '--yes']);
  }
  for (const { machine, unlocking } of asking) keepSession(machine, await unlocking.done());
}

/** Syncs until these requests wait for its person. */
async function untilAsked(stage: Stage, machine: Machine, ids: readonly unknown[]): Promise<void> {
  stage.screen.command(machine.name, ['sync']);
  for (let tries = 0; tries < 40; tries++) {
    await machine.start(['sync']).done();
    const requests: { id: string }[] = await machine.start(['requests']).done();
    if (ids.every((id) => requests.some((request) => request.id === id))) return;
  }
  throw new CommandFailed(`${machine.name} does not see what the others ask for`);
}
