/** A sync in words: what came, what went, from where, and what it asks for. Conflicts were announced as events. */
import type { StoreReport, SyncReport } from '../../types.ts';
import { plural, safe } from './text.ts';

const STATES: Readonly<Record<StoreReport['state'], string>> = {
  ok: 'in step',
  unreachable: 'not reached',
  full: 'full',
  refused: 'refuses',
  'rolled-back': 'shows an older state than this device knows',
  forked: 'forked: it shows another history than this device has',
  unknown: 'not asked',
};

export function syncLines(report: SyncReport): string[] {
  const { stores, applied, changedKeys, requests, notices } = report;
  return [
    ...stores.flatMap(storeLines),
    ...(applied === 0
      ? []
      : [`Applied ${plural(applied, 'change')} of other devices (${plural(changedKeys, 'record')}).`]),
    ...notices.map(safe),
    ...(requests === 0 ? [] : [`${plural(requests, 'request waits', 'requests wait')} for you: passport approve`]),
  ];
}

export function storeLines({
  url,
  state,
  received,
  sent,
  behind,
  lost,
  damaged,
  contradicts,
  error,
}: StoreReport): string[] {
  const moved = [received === 0 ? '' : `${received} came`, sent === 0 ? '' : `${sent} went`].filter(
    (part) => part !== '',
  );
  const parts = [STATES[state], ...moved, ...(behind === 0 ? [] : [`${behind} still to go`])];
  return [
    `${safe(url)}: ${parts.join(', ')}${error === undefined ? '' : ` (${safe(error.message)})`}`,
    ...(error?.hint === undefined ? [] : [`  ${safe(error.hint)}`]),
    ...(lost.length === 0 ? [] : [`  Lost there and put again: ${names(lost)}`]),
    ...(contradicts.length === 0
      ? []
      : [
          `  Shows ${contradicts.map(safe).join('; ')}. Nothing here was changed by it. What to do: passport store check`,
        ]),
    ...(damaged.length === 0 ? [] : [`  Damaged there: ${names(damaged)}. See: passport verify --repair`]),
  ];
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, 5).map(safe).join(', ');
  return list.length > 5 ? `${shown} and ${list.length - 5} more` : shown;
}
