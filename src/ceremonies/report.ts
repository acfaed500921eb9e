/** A sync as a person sees it: what came, what went, what waits, what happened in the registry. */
import { parseRequest } from '../format/entry.ts';
import { bundleSummary } from '../records/objects.ts';
import { conflicts } from '../records/conflicts.ts';
import { applyEntry, type RegistryState } from '../registry/state.ts';
import type { SyncOptions, SyncReport } from '../types.ts';
import { decidedAt, leftAt, stateAfter } from './chain.ts';
import { nameOf, summary } from './describe.ts';
import { devices } from './health.ts';
import { requests } from './requests.ts';
import type { Runtime } from './runtime.ts';

export async function syncReport(run: Runtime, options: SyncOptions): Promise<SyncReport> {
  const { device } = run;
  const before = await conflictIds(run);
  const hands = run.hands(run.passphrases(options.passphrase, false));
  const synced = await run.sync(hands, { signal: options.signal, onProgress: options.onProgress });
  const notices = [...synced.notices, ...(await decidedInWords(run, synced.decided))];
  if (synced.needsPassphrase)
    notices.push(
      'A change that this device asked for is approved: run the command again, or sync with the passphrase, to finish it.',
    );
  if (synced.waitingForUnlock > 0) {
    notices.push(
      `${synced.waitingForUnlock} change${synced.waitingForUnlock === 1 ? ' waits' : 's wait'} for unlock: passport unlock, then sync.`,
    );
  }
  for (const { name, state } of await devices(run)) {
    if (state === 'cloned')
      notices.push(`Two copies of "${name}" write at once: let it go and bring it back as a new device.`);
  }
  const left = await device.asMember(async (view) => leftAt(view));
  if (left !== undefined) {
    const kept = await device.transact(async ({ tx }) => (await bundleSummary(tx)).pending);
    notices.push(
      `This device was revoked in entry ${left}.${kept > 0 ? ' What was written here and not sent before stays here.' : ''}`,
    );
  }
  const fresh = (await conflictIds(run)).filter(({ id }) => !before.some((known) => known.id === id));
  for (const { id, key } of fresh) run.tell({ event: 'conflict', id, key });
  const waiting =
    left === undefined ? (await requests(run)).filter(({ mine, approved }) => !mine && !approved).length : 0;
  return {
    stores: synced.stores,
    applied: synced.applied,
    changedKeys: synced.keys.length,
    conflicts: fresh.map(({ id }) => id),
    waitingForUnlock: synced.waitingForUnlock,
    requests: waiting,
    notices,
  };
}

async function conflictIds(run: Runtime): Promise<{ id: string; key: string }[]> {
  const { device } = run;
  if (device.session === undefined) return [];
  return device.asMember(async (view) =>
    (await conflicts(view.tx, device.records(view))).map(({ id, key }) => ({ id, key })),
  );
}

async function decidedInWords(run: Runtime, slots: readonly number[]): Promise<string[]> {
  const { device } = run;
  if (slots.length === 0) return [];
  return device.asMember(async (view) => {
    const words: string[] = [];
    for (const slot of [...new Set(slots)].sort((a, b) => a - b)) {
      const decided = await decidedAt(device, view, slot);
      const before: RegistryState | undefined = await stateAfter(device, view, slot - 1);
      if (decided === undefined || before === undefined) continue;
      const { core } = decided.entry;
      const after = applyEntry(before, decided.entry);
      const by = core.approvals.map(({ holder }) => nameOf(after, holder)).join(', ');
      words.push(`Entry ${slot}: ${summary(before, parseRequest(core.request))} (approved by ${by})`);
    }
    return words;
  });
}
