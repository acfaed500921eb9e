/** `passport put`: one record from a file, stdin or the keyboard. */
import { readFile, stat } from 'node:fs/promises';
import { type Bytes, copy, utf8 } from '../../bytes.ts';
import { PassportError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { readInput } from '../input.ts';
import { MAX_VALUE_BYTES } from '../limits.ts';
import type { Outcome } from '../output.ts';
import { bytes, safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const key = context.arg(0).normalize('NFC');
  // Opened before anything is typed: who has no session shall not type in vain.
  const passport = await context.passport();
  const value = await valueOf(context, key);
  const record = await passport.put(key, value);
  return {
    json: record,
    said: [`Stored ${safe(record.key)} (${bytes(record.size)}) on this device. To the stores: passport sync`],
  };
}

async function valueOf(context: Context, key: string): Promise<Bytes> {
  const file = context.args[1];
  if (file === undefined && context.io.stdin.isTTY === true) {
    const terminal = await context.terminal('a value is needed', 'Name a FILE.');
    return utf8(await terminal.ask(`Value of ${safe(key)} (not shown, Enter ends it): `, { hidden: true }));
  }
  if (file === undefined || file === '-') {
    return (await readInput(context.io.stdin, MAX_VALUE_BYTES)) ?? tooLarge('what stdin holds');
  }
  try {
    const info = await stat(file);
    if (info.isFile() && info.size > MAX_VALUE_BYTES) tooLarge(safe(file));
    const content = await readFile(file);
    return content.length > MAX_VALUE_BYTES ? tooLarge(safe(file)) : copy(content);
  } catch (error) {
    throw context.fileError(error, file);
  }
}

function tooLarge(what: string): never {
  throw new PassportError('value-too-large', `${what} is larger than ${bytes(MAX_VALUE_BYTES)}`);
}
