/** How a change of the registry is shown: where it stands, and what to do next. */
import type { Change, ChangeState } from '../../types.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { and, safe, shortId } from './text.ts';

const EXITS: Readonly<Record<ChangeState, number>> = {
  decided: EXIT.ok,
  waiting: EXIT.waiting,
  superseded: EXIT.refused,
  refused: EXIT.refused,
  expired: EXIT.refused,
  cancelled: EXIT.refused,
};

/** `done` says what holds now that it is decided, `next` what to do then. */
export function changeOutcome(change: Change, done: string, next: readonly string[] = []): Outcome {
  const approved = change.approvedBy.length === 0 ? '' : `, approved by ${and(change.approvedBy.map(safe))}`;
  const hint = change.hint === '' ? [] : [safe(change.hint)];
  const exit = EXITS[change.state];
  if (change.state === 'decided') {
    return { json: change, said: [`${done} Decided in slot ${change.slot ?? '?'}${approved}.`, ...next] };
  }
  if (change.state !== 'waiting') {
    return { json: change, said: [`Nothing was changed: the request was ${change.state}.`, ...hint], exit };
  }
  const id = shortId(change.id);
  return {
    json: change,
    said: [
      `Waiting: ${change.approvedBy.length} of ${change.needed} approvals so far${approved}. Number ${twoDigits(change.number)}, request ${id}.`,
      ...hint,
      `To go on: passport approve ${id}, or passport sync. To give it up: passport cancel ${id}`,
    ],
    exit,
  };
}

export function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
