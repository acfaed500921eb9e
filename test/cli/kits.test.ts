import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kitKeeper } from '../../src/cli/kits.ts';
import { htmlSheet, textSheet } from '../../src/cli/render/sheet.ts';
import { askKit, givenKits, kitWordsIn } from '../../src/cli/secrets.ts';
import { hex } from '../../src/bytes.ts';
import { kitEntropy, kitWords } from '../../src/crypto/words.ts';
import type { Kit } from '../../src/types.ts';
import { contextOf, fakeIo, fakePerson } from '../helpers/cli.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const entropy = new Uint8Array(32).map((_, i) => i * 7);
const other = new Uint8Array(32).map((_, i) => i * 5 + 1);

function kit(number: number, bytes = entropy): Kit {
  return {
    words: kitWords(bytes),
    ...{ name: `kit ${number}`, number, passport: 'p', epoch: 0, createdAtMs: Date.UTC(2026, 10, 21) },
    passportWords: ['able', 'acid', 'acorn', 'acoustic', 'acquire', 'across', 'act', 'zoo'],
    stores: [{ url: 'folder:/media/<usb>', id: 'abcdef' }],
  };
}

const init = ['init', '--name', 'laptop', '--store', 'folder:/x'];

describe('the sheet of a kit', () => {
  test.each([
    ['text', textSheet(kit(1))],
    ['HTML', htmlSheet(kit(1))],
  ])('as %s says what it is and gives its words back', (_, sheet) => {
    for (const part of ['able acid acorn', 'kit 1', 'epoch 0', 'abcdef', 'Not a cryptocurrency wallet'])
      expect(sheet).toContain(part);
    expect(hex(kitEntropy(kitWordsIn(sheet)))).toBe(hex(entropy));
  });

  test('as HTML loads nothing and runs nothing', () => {
    const sheet = htmlSheet(kit(1));
    expect(sheet).toContain("default-src 'none'");
    expect(sheet).toContain('folder:/media/&#60;usb&#62;');
    expect(sheet).not.toMatch(/<script|src=|href=/);
    expect(sheet).toContain('<svg');
  });

  test('is not needed: 24 words in any layout do', () => {
    const words = kitWords(entropy);
    const layouts = [
      words.join(' '),
      words.join('\n').toUpperCase(),
      words.map((word, i) => `${i + 1}) ${word}`).join('\r\n'),
    ];
    for (const text of layouts) expect(hex(kitEntropy(kitWordsIn(text)))).toBe(hex(entropy));
  });
});

describe('kits in files', () => {
  test('are written for their owner only, and read back as --kit', async () => {
    const directory = join(temporaryDirectory(), 'kits');
    const keeper = await kitKeeper(contextOf([...init, '--kit-out', directory], fakeIo()));
    await keeper.keepKits([kit(1), kit(2, other)]);
    expect(readdirSync(directory)).toEqual(['kit-1.html', 'kit-1.txt', 'kit-2.html', 'kit-2.txt']);
    for (const file of keeper.files) expect(statSync(file).mode & 0o777).toBe(0o600);
    const io = fakeIo();
    const given = await givenKits(contextOf(['unlock', ...keeper.files.flatMap((file) => ['--kit', file])], io));
    expect(given.map((words) => hex(kitEntropy(words)))).toEqual([entropy, entropy, other, other].map(hex));
    expect(io.err).toEqual([]);
  });

  test('never replace a sheet that is there', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'kit-1.txt'), 'mine');
    const keeper = await kitKeeper(contextOf([...init, '--kit-out', directory], fakeIo()));
    expect(await rejectionOf(keeper.keepKits([kit(1)]))).toBe('usage');
    await keeper.discard();
    expect(readFileSync(join(directory, 'kit-1.txt'), 'utf8')).toBe('mine');
  });

  test('are gone when the passport did not come to be', async () => {
    const directory = temporaryDirectory();
    const keeper = await kitKeeper(contextOf([...init, '--kit-out', directory], fakeIo()));
    await keeper.keepKits([kit(1)]);
    await keeper.discard();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('that others can read are used with a warning', async () => {
    const file = join(temporaryDirectory(), 'kit');
    writeFileSync(file, kitWords(entropy).join(' '), { mode: 0o644 });
    const io = fakeIo();
    expect(await givenKits(contextOf(['unlock', '--kit', file], io))).toHaveLength(1);
    expect(io.err.join('')).toContain('chmod 600');
  });
});

describe('kits on the terminal', () => {
  /** What stands on the paper for the word that was asked for last. */
  const fromPaper = (seen: string) => {
    const numbers = [...seen.matchAll(/word number (\d+) is/g)];
    return kitWords(entropy)[Number(numbers.at(-1)?.[1]) - 1] as string;
  };

  test('are confirmed by two of their words', async () => {
    const person = fakePerson(['', '', fromPaper, (seen) => ` ${fromPaper(seen).toUpperCase()} `]);
    const keeper = await kitKeeper(contextOf(init, fakeIo({ person })));
    await keeper.keepKits([kit(1)]);
    expect(person.seen.join('\n')).toContain(' 1. ');
    expect(person.asked.filter((question) => question.includes('word number'))).toHaveLength(2);
  });

  test('are shown again after a wrong word, and Ctrl-C gives all of it up', async () => {
    const person = fakePerson(['', '', 'wrong', '', '', fromPaper]);
    const keeper = await kitKeeper(contextOf(init, fakeIo({ person })));
    expect(await rejectionOf(keeper.keepKits([kit(1)]))).toBe('aborted');
    expect(person.seen.filter((text) => text.startsWith('RECOVERY KIT 1'))).toHaveLength(2);
  });

  test('may be shown as a QR code', async () => {
    const person = fakePerson(['', 'q', '', '', fromPaper, fromPaper]);
    await (await kitKeeper(contextOf(init, fakeIo({ person })))).keepKits([kit(1)]);
    expect(person.seen.some((text) => text.includes('▀'))).toBe(true);
  });

  test('need a terminal: without one nothing begins', async () => {
    expect(await rejectionOf(kitKeeper(contextOf(init, fakeIo())))).toBe('usage');
  });

  test('are typed on as many lines as the person likes, and completed', async () => {
    const words = kitWords(entropy);
    const person = fakePerson([
      words.slice(0, 10).join(' '),
      `${words.slice(10, 12).join('  ')} nonsense ${words[12]}`,
      words
        .slice(12)
        .map((word, i) => `${i + 13}. ${word.slice(0, 4).toUpperCase()}`)
        .join(', '),
    ]);
    const typed = await askKit(contextOf(['kit', 'check'], fakeIo({ person })));
    expect(hex(kitEntropy(typed))).toBe(hex(entropy));
    expect(person.seen.join('\n')).toContain('"nonsense" is no word of the list. Go on with word 13.');
  });
});
