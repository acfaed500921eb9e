/** `passport sync`: exchanges changes with every store; --watch goes on until Ctrl-C. */
import type { StoreState, SyncReport } from '../../types.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { syncLines } from '../render/sync.ts';
import { givenSecret, VAULT } from '../secrets.ts';
import { sessionFields, sessionLines } from '../session.ts';

const WATCH_MS = 10_000;
const REACHED: ReadonlySet<StoreState> = new Set(['ok', 'rolled-back', 'forked']);

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const { output } = context;
  // Only if it is given: sync asks nobody. A change that waits for it is named in the report.
  const passphrase = await givenSecret(context, VAULT);
  const once = () =>
    passport.sync({
      signal: context.signal,
      onProgress: (done, total) => output.progress('sync', done, total),
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  if (!context.options.flag('watch')) {
    const report = await once();
    // It may have finished a change that this device dealt: then its session goes on under the new keys.
    const { result, said } = sessionLines(passport);
    const done = outcome(report);
    if (result === '') return done;
    const json = { ...report, ...sessionFields(passport) };
    return { ...done, json, result, said: [...(done.said ?? []), ...said] };
  }

  const { clock } = await context.environment();
  let before = '';
  for (;;) {
    const report = await once();
    // What does not change is said once.
    const lines = syncLines(report);
    if (lines.join('\n') !== before || hasNews(report)) {
      output.event({ event: 'synced', report });
      if (!output.json) for (const line of lines) output.note(line);
    }
    before = lines.join('\n');
    await clock.sleep(WATCH_MS, context.signal);
  }
}

function outcome(report: SyncReport): Outcome {
  const reached = report.stores.length === 0 || report.stores.some(({ state }) => REACHED.has(state));
  return { json: report, said: syncLines(report), exit: reached ? EXIT.ok : EXIT.store };
}

function hasNews({ stores, applied, notices }: SyncReport): boolean {
  return applied > 0 || notices.length > 0 || stores.some(({ received, sent }) => received > 0 || sent > 0);
}
