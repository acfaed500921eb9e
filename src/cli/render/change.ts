/** How a change of the registry is shown: where it stands, and what to do next. */
import type { Change, ChangeState } from '../../types.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { type WithSession, sessionFields, sessionLines } from '../session.ts';
import { and, safe, shortId } from './text.ts';

const EXITS: Readonly<Record<ChangeState, number>> = {
  decided: EXIT.ok,
  waiting: EXIT.waiting,
  superseded: EXIT.refused,
  refused: EXIT.refused,
  expired: EXIT.refused,
  cancelled: EXIT.refused,
};

/**
 * `done` says what holds now that it is decided, `next` what to do then. A change that this device dealt begins an epoch, and
 * its session goes on in it under a new secret, which is handed over like that of `unlock`.
 */
export function changeOutcome(
  passport: WithSession,
  change: Change,
  done: string,
  next: readonly string[] = [],
): Outcome {
  const json = { ...change, ...sessionFields(passport) };
  const approved = change.approvedBy.length === 0 ? '' : `, approved by ${and(change.approvedBy.map(safe))}`;
  const hint = change.hint === '' ? [] : [safe(change.hint)];
  const exit = EXITS[change.state];
  if (change.state === 'decided') {
    const { result, said } = sessionLines(passport);
    return { json, result, said: [`${done} Decided in slot ${change.slot ?? '?'}${approved}.`, ...next, ...said] };
  }
  if (change.state !== 'waiting') {
    return { json, said: [`Nothing was changed: the request was ${change.state}.`, ...hint], exit };
  }
  const id = shortId(change.id);
  return {
    json,
    said: [
      `Not decided yet: ${change.approvedBy.length} of ${change.needed} approvals${approved}. Its number is ${twoDigits(change.number)}.`,
      ...hint,
      `To go on: passport approve ${id}, or passport sync. To give it up: passport cancel ${id}`,
    ],
    exit,
  };
}

export function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
