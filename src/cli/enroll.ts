/** The second half of an invitation, for `invite` and `approve`: the words that the new device shows, then the change. */
import type { Passport } from '../passport.ts';
import type { Context } from './context.ts';
import type { Outcome } from './output.ts';
import { changeOutcome } from './render/change.ts';
import { safe } from './render/text.ts';
import { completed } from './secrets.ts';

export async function enroll(context: Context, passport: Passport, id: string, name: string): Promise<Outcome> {
  const words = context.options.text('words') ?? (await askWords(context, name));
  const change = await passport.enroll(id, { words, ...(await context.kits()), ...context.waiting });
  return changeOutcome(passport, change, `"${safe(name)}" is a device of this passport now.`, [
    'See what it changed with `passport status`. A kit that was replaced is worth nothing any more: destroy it.',
  ]);
}

/** Typing them is the check, so none is shown; the first letters of a word are enough when no other word has them. */
async function askWords(context: Context, name: string): Promise<string> {
  const terminal = await context.terminal(
    'the three words are needed',
    'Give them with: passport approve ID --words "…"',
  );
  const { wordlist } = await import('@scure/bip39/wordlists/english.js');
  for (;;) {
    const line = await terminal.ask(`Type the three words that "${safe(name)}" shows: `, { words: wordlist });
    const parts = line
      .toLowerCase()
      .split(/[^a-z]+/)
      .filter((part) => part !== '');
    const words = parts.map((part) => completed(part, wordlist));
    if (words.length === 3 && words.every((word) => word !== undefined)) return words.join(' ');
    terminal.write('Three words of the list are needed; Tab completes. Ctrl-C leaves the invitation open.\n');
  }
}
