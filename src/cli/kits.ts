/**
 * How new kits reach paper before anything is stored: written to --kit-out and read back, or shown one by one on a screen of
 * their own and confirmed by two words of each. Giving up here gives the whole command up.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassportError } from '../errors.ts';
import { Passport } from '../passport.ts';
import type { Environment, KeepKits, Kit } from '../types.ts';
import type { Context } from './context.ts';
import { usage } from './parse.ts';
import { kitQrText, terminalQr } from './render/qr.ts';
import { htmlSheet, KEEPING, kitFacts, textSheet, wordGrid } from './render/sheet.ts';
import { fields } from './render/table.ts';
import { plural, safe } from './render/text.ts';
import { kitWordsIn } from './secrets.ts';
import type { Terminal } from './terminal.ts';

export interface KitKeeper {
  readonly keepKits: KeepKits;
  /** The files of the kits, when they were written. */
  readonly files: readonly string[];
  /** Removes what was written: only when it is certain that no passport needs it. */
  discard(): Promise<void>;
}

/** After a beginning that failed: the kits go only when this home has no passport, for else they may be its only other holders. */
export async function discardUnused(keeper: KitKeeper | undefined, environment: Environment): Promise<void> {
  const unused = await Passport.peek(environment).then(
    (home) => home === undefined,
    () => false,
  );
  if (unused) await keeper?.discard();
}

/** Throws `usage` at once, before anything begins, when the kits could go nowhere. */
export async function kitKeeper(context: Context): Promise<KitKeeper> {
  const directory = context.options.text('kit-out');
  const files: string[] = [];
  if (directory !== undefined) {
    return {
      files,
      keepKits: async (kits) => {
        for (const kit of kits) await writeKit(context, directory, kit, files);
      },
      discard: async () => {
        await Promise.all(files.map((file) => rm(file, { force: true })));
      },
    };
  }
  const terminal = await context.terminal('recovery kits are shown', 'Write them to files with --kit-out DIR.');
  return { files, keepKits: (kits) => showKits(terminal, kits), discard: async () => {} };
}

/**
 * kit-N.txt and kit-N.html, mode 0600, never over a file that is there. Read back from the disk before they count. What was
 * written is added to `files`.
 */
async function writeKit(context: Context, directory: string, kit: Kit, files: string[]): Promise<void> {
  const sheets = { txt: textSheet(kit), html: htmlSheet(kit) };
  for (const [kind, sheet] of Object.entries(sheets)) {
    const file = join(directory, `kit-${kit.number}.${kind}`);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeNew(file, sheet, () => files.push(file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw context.fileError(error, file);
      throw usage(`${safe(file)} is there already`, 'Give another directory, or move the old sheets away.');
    }
    const words = kitWordsIn(await readFile(file, 'utf8')).match(/[a-z]+/g) ?? [];
    if (words.join(' ') !== kit.words.join(' ')) {
      throw new PassportError('damaged', `${safe(file)} reads differently than it was written`);
    }
  }
}

/** On the disk when it resolves; `EEXIST` when the name is taken. */
async function writeNew(file: string, content: string, made: () => void): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  made();
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function showKits(terminal: Terminal, kits: readonly Kit[]): Promise<void> {
  terminal.write(
    `\n${plural(kits.length, 'recovery kit')}: 24 words each, shown once, now.\nWrite each on paper of its own; these words are stored nowhere.\n`,
  );
  for (const kit of kits) {
    for (let shown = false, confirmed = false; !confirmed; shown = true) {
      await terminal.ask(shown ? 'Enter shows the kit again. ' : `Ready for kit ${kit.number}? Enter shows it. `);
      await showKit(terminal, kit);
      confirmed = await confirmKit(terminal, kit);
    }
  }
}

async function showKit(terminal: Terminal, kit: Kit): Promise<void> {
  const page = `RECOVERY KIT ${kit.number}\n\n${fields(kitFacts(kit))}\n\n${wordGrid(kit.words)}\n\n${KEEPING.join('\n')}\n\n`;
  let answer = await terminal.page(page, () =>
    terminal.ask('Written down? Enter goes on; q and Enter shows a QR code of it. '),
  );
  while (answer.trim().toLowerCase() === 'q') {
    const qr = terminalQr(kitQrText(kit.words), terminal.columns) ?? 'The terminal is too narrow for the QR code.';
    answer = await terminal.page(`${qr}\n`, () => terminal.ask('Enter goes back to the words. '));
    answer = await terminal.page(page, () =>
      terminal.ask('Written down? Enter goes on; q and Enter shows a QR code of it. '),
    );
  }
}

/** Two words of the kit, typed from the paper: one of the first and one of the second half. */
async function confirmKit(terminal: Terminal, kit: Kit): Promise<boolean> {
  const half = kit.words.length / 2;
  for (const from of [0, half]) {
    // Which words are asked for is no secret.
    const index = from + Math.floor(Math.random() * half);
    const typed = await terminal.ask(`Kit ${kit.number}, from your paper: word number ${index + 1} is `);
    if (typed.trim().toLowerCase() !== kit.words[index]) {
      terminal.write('That is another word.\n');
      return false;
    }
  }
  return true;
}
