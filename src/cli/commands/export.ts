/** `passport export`: records become files, in the clear. */
import type { Context } from '../context.ts';
import { createExporter } from '../export-files.ts';
import type { Outcome } from '../output.ts';
import { plural, safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const prefix = context.arg(0).normalize('NFC');
  const directory = context.arg(1);
  const passport = await context.passport();
  const records = await passport.list(prefix);
  let exporter;
  try {
    exporter = await createExporter(directory, context.options.flag('force'));
  } catch (error) {
    throw context.fileError(error, directory);
  }
  for (const [i, { key }] of records.entries()) {
    context.signal.throwIfAborted();
    const record = await passport.get(key);
    // Deleted meanwhile by another process.
    if (record === undefined) continue;
    try {
      await exporter.write(key, record.value);
    } catch (error) {
      throw context.fileError(error, directory);
    }
    context.output.progress('export', i + 1, records.length);
  }
  const { written, renamed, skipped } = exporter;
  return {
    json: { records: written, directory, renamed, skipped },
    said: [
      `Wrote ${plural(written, 'file')} into ${safe(directory)}, in the clear. Delete them when they are no longer needed.`,
      ...(renamed.length === 0
        ? []
        : ['Under another name:', ...renamed.map(({ key, file }) => `  ${safe(key)}: ${safe(file)}`)]),
      ...(skipped.length === 0
        ? []
        : [
            `Skipped ${plural(skipped.length, 'record')}:`,
            ...skipped.map(({ key, reason }) => `  ${safe(key)}: ${reason}`),
          ]),
    ],
  };
}
