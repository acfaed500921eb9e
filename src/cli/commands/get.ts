/** `passport get`: the bytes of one record. */
import { base64url } from '../../bytes.ts';
import { PassportError } from '../../errors.ts';
import type { HistoryEntry, RecordValue } from '../../types.ts';
import type { Context } from '../context.ts';
import { writeOut } from '../files.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { byPrefix } from '../pick.ts';
import { bytes, safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const key = context.arg(0).normalize('NFC');
  const output = context.options.text('output');
  const record = await find(context, key);
  const { value, ...info } = record;
  if (output !== undefined) {
    try {
      await writeOut(output, value, context.options.flag('force'));
    } catch (error) {
      throw context.fileError(error, output);
    }
    return { json: { ...info, file: output }, said: [`Wrote ${safe(output)} (${bytes(value.length)}), in the clear.`] };
  }
  const text = asText(value);
  const json =
    text === undefined
      ? { ...info, encoding: 'base64url', value: base64url(value) }
      : { ...info, encoding: 'utf8', value: text };
  const onTerminal = context.io.stdout.isTTY === true && !context.output.json;
  if (onTerminal && (text === undefined || !isPlain(text))) {
    throw usage(
      'this value is not plain text and could confuse the terminal',
      'Write it to a file with -o FILE, or use a pipe.',
    );
  }
  const newline = onTerminal && text?.endsWith('\n') !== true;
  const conflict =
    record.conflict && context.options.text('at') === undefined
      ? [`${safe(key)} has more than one version; this is the newest. See: passport conflicts`]
      : [];
  return { json, result: value, said: newline ? ['', ...conflict] : conflict };
}

const VERSION = {
  idOf: ({ version }: HistoryEntry) => version,
  noun: 'version of this record',
  code: 'no-such-record',
  list: 'passport history KEY',
} as const;

async function find(context: Context, key: string): Promise<RecordValue> {
  const passport = await context.passport();
  const at = context.options.text('at');
  const older = at === undefined ? undefined : byPrefix(await passport.history(key), at, VERSION);
  const record = await passport.get(key, older === undefined ? {} : { version: older.version });
  if (record === undefined) throw new PassportError('no-such-record', `there is no record ${safe(key)}`);
  return record;
}

function asText(value: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}

/** Lines and tabs of characters that only show themselves. */
function isPlain(text: string): boolean {
  return safe(text.replace(/\r?\n|\t/g, '')) === text.replace(/\r?\n|\t/g, '');
}
