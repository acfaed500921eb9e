/**
 * Where secrets come from: a file, the environment, or the terminal without echo; never an argument, which other users of
 * the machine could see. Kits come as files: the sheet of --kit-out, its HTML, or 24 words in any layout.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Context } from './context.ts';
import { KIT_BEGIN, KIT_END } from './render/kit-marks.ts';
import { safe } from './render/text.ts';
import { usage } from './parse.ts';
import type { OptionName } from './options.ts';

export interface Secret {
  readonly option: OptionName;
  readonly env: string;
  /** As in "type …". */
  readonly name: string;
}

export const VAULT: Secret = {
  option: 'passphrase-file',
  env: 'PASSPORT_PASSPHRASE',
  name: 'the passphrase of the passport',
};
export const NEW_VAULT: Secret = {
  option: 'new-passphrase-file',
  env: 'PASSPORT_NEW_PASSPHRASE',
  name: 'the new passphrase of the passport',
};
export const DEVICE: Secret = {
  option: 'device-passphrase-file',
  env: 'PASSPORT_DEVICE_PASSPHRASE',
  name: 'the passphrase of this device',
};

const MAX_FILE_BYTES = 64 * 1024;

/** From the option or the environment; undefined when neither is given. */
export async function givenSecret(context: Context, { option, env }: Secret): Promise<string | undefined> {
  const file = context.options.text(option);
  if (file !== undefined) return (await readSecretFile(context, file)).replace(/\r?\n$/, '');
  const value = context.io.env[env];
  return value === undefined || value === '' ? undefined : value;
}

/** Asks without echo, twice when it is a new one. */
export async function askSecret(
  context: Context,
  { option, env, name }: Secret,
  about: 'new' | 'current',
): Promise<string> {
  const terminal = await context.terminal(`${name} is needed`, `Give it with --${option} FILE or in ${env}.`);
  for (;;) {
    const label = about === 'new' ? `Choose ${name}: ` : `Type ${name}: `;
    const first = await terminal.ask(label, { hidden: true });
    if (about === 'current') return first;
    if (first === (await terminal.ask('The same again: ', { hidden: true }))) return first;
    terminal.write('They are not the same.\n');
  }
}

/** The words of each --kit, as they stand in the file. */
export async function givenKits(context: Context): Promise<string[]> {
  const kits: string[] = [];
  for (const file of context.options.all('kit')) {
    kits.push(file === '-' ? await askKit(context) : kitWordsIn(await readSecretFile(context, file)));
  }
  return kits;
}

/** Asks for 24 words, on as many lines as the person likes. */
export async function askKit(context: Context): Promise<string> {
  const terminal = await context.terminal('the words of a kit are needed', 'Give them with --kit FILE.');
  const { wordlist } = await import('@scure/bip39/wordlists/english.js');
  const words: string[] = [];
  while (words.length < 24) {
    const line = await terminal.ask(`Word ${words.length + 1} of 24 (Tab completes, several in a line are fine): `, {
      words: wordlist,
    });
    for (const part of line.toLowerCase().split(/[^a-z]+/)) {
      const word = part === '' ? undefined : completed(part, wordlist);
      if (word !== undefined) words.push(word);
      else if (part !== '') {
        terminal.write(`"${safe(part)}" is no word of the list. Go on with word ${words.length + 1}.\n`);
        break;
      }
    }
  }
  return words.slice(0, 24).join(' ');
}

/** The word itself, or the one word of the list that begins with these letters (four are always enough). */
export function completed(typed: string, list: readonly string[]): string | undefined {
  if (list.includes(typed)) return typed;
  const found = list.filter((word) => word.startsWith(typed));
  return found.length === 1 ? found[0] : undefined;
}

/** What stands between the marks of a sheet, else everything; tags of an HTML sheet are dropped. */
export function kitWordsIn(text: string): string {
  const begin = text.indexOf(KIT_BEGIN);
  const end = text.indexOf(KIT_END, begin);
  const inside = begin < 0 || end < 0 ? text : text.slice(begin + KIT_BEGIN.length, end);
  return inside.replace(/<!--|-->|<[^>]*>/g, ' ').trim();
}

async function readSecretFile(context: Context, file: string): Promise<string> {
  const shown = safe(file);
  let bytes: Uint8Array;
  try {
    const info = await stat(file);
    if (info.isFile() && info.size > MAX_FILE_BYTES) throw usage(`${shown} is too large for a passphrase or a kit`);
    if (info.isFile() && process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
      context.output.warn(`other users of this machine can read ${shown}; chmod 600 keeps them out.`);
    }
    bytes = await readFile(file);
  } catch (error) {
    throw context.fileError(error, file);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usage(`${shown} is not text in UTF-8`);
  }
}
