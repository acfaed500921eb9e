/** `passport import`: every file of a directory becomes a record; --sync brings them to the stores at once. */
import type { Context } from '../context.ts';
import { scan, type Skipped, valuesOf } from '../import-files.ts';
import type { Outcome } from '../output.ts';
import { bytes, plural, safe } from '../render/text.ts';
import { run as sync } from './sync.ts';

export async function run(context: Context): Promise<Outcome> {
  const directory = context.arg(0);
  const prefix = (context.args[1] ?? '').normalize('NFC').replace(/\/+$/, '');
  const passport = await context.passport();
  let found;
  try {
    found = scan(directory, prefix);
  } catch (error) {
    throw context.fileError(error, directory);
  }
  const skipped = [...found.skipped];
  const total = found.files.length;
  const stored = await passport.putMany(valuesOf(found.files, skipped), {
    signal: context.signal,
    send: context.options.flag('sync'),
    onProgress: (done: number) => context.output.progress('import', done, total),
  });
  const json = { records: stored.records, bytes: stored.bytes, skipped };
  const here = `Stored ${plural(stored.records, 'record')} (${bytes(stored.bytes)}) on this device.`;
  if (!context.options.flag('sync'))
    return { json, said: [`${here} To the stores: passport sync`, ...report(skipped)] };
  const synced = await sync(context);
  return {
    ...synced,
    json: { ...json, sync: synced.json },
    said: [here, ...report(skipped), ...(synced.said ?? [])],
  };
}

function report(skipped: readonly Skipped[]): string[] {
  if (skipped.length === 0) return [];
  return [
    `Skipped ${plural(skipped.length, 'file')}:`,
    ...skipped.map(({ file, code, reason }) => `  ${safe(file)}: ${reason} (${code})`),
  ];
}
