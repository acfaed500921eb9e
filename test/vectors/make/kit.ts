/** Vectors of kits: words to bytes and back, the keys, and the eight words of a passport and of a device. */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { kitWords } from '../../../src/crypto/words.ts';
import { Maker, row } from '../maker.ts';

const EXAMPLE =
  'abandon amount liar amount expire adjust cage candy arch gather drum bullet absurd math era live bid rhythm alien crouch range attend journey unaware';

export async function makeKit(): Promise<Maker> {
  const m = new Maker(
    'kit',
    'docs/protocol.md 3, Kit words',
    'Kits: 24 words, their 32 bytes, their keys; words of a pid and of a device.',
  );
  const { random } = m;
  await m.pass(
    'example',
    'kit-entropy',
    { words: EXAMPLE },
    { source: 'docs/protocol.md 9', result: { entropy: row(0) } },
  );
  await m.pass('example-keys', 'kit-keys', { entropy: row(0) }, { source: 'docs/protocol.md 9' });
  await m.pass('example-words', 'kit-words', { entropy: row(0) }, { result: { words: EXAMPLE } });
  await m.pass('zeros', 'kit-words', { entropy: new Uint8Array(32) });
  await m.pass('ones', 'kit-words', { entropy: new Uint8Array(32).fill(255) });
  for (let i = 1; i <= 2; i++) {
    const entropy = random(32);
    await m.pass(`keys-${i}`, 'kit-keys', { entropy });
    await m.pass(`words-${i}`, 'kit-words', { entropy });
  }
  const list = EXAMPLE.split(' ');
  const readable: [string, string][] = [
    ['upper', EXAMPLE.toUpperCase()],
    ['lines', list.join('\r\n')],
    ['spaces', `  ${list.join('\t ')}\n`],
    ['numbered', list.map((word, i) => `${i + 1}. ${word}`).join('\n')],
  ];
  for (const [name, words] of readable)
    await m.pass(`typed-${name}`, 'kit-entropy', { words }, { result: { entropy: row(0) } });
  await m.pass(
    'pid',
    'pid-words',
    { pid: row(0) },
    { source: 'docs/protocol.md 9', result: { words: 'sauce magnet wild neutral view humor yellow carbon' } },
  );
  await m.pass('pid-2', 'pid-words', { pid: random(32) });
  await m.pass('device', 'device-words', { pid: row(0), signKey: random(32), receiveKey: random(32) });

  const change = (at: number, word: string) => list.map((each, i) => (i === at ? word : each)).join(' ');
  const next = (word: string, by = 1) => wordlist[(wordlist.indexOf(word) + by) % 2048] as string;
  for (const at of [0, 1, 5, 8, 12, 17, 20, 22])
    await m.fail(
      `other-word-${at + 1}`,
      'kit-entropy',
      { words: change(at, next(list[at] as string)) },
      'checksum',
      `word ${at + 1} is the next one of the list`,
    );
  for (const by of [1, 2, 64, 128, 255])
    await m.fail(
      `last-word-${by}`,
      'kit-entropy',
      { words: change(23, next(list[23] as string, by)) },
      'checksum',
      `the last word is another one, ${by} further in the list`,
    );
  for (const [a, b] of [
    [0, 1],
    [4, 5],
    [10, 11],
    [22, 23],
    [0, 23],
  ] as const) {
    const swapped = [...list];
    [swapped[a], swapped[b]] = [swapped[b]!, swapped[a]!];
    await m.fail(
      `swapped-${a + 1}-${b + 1}`,
      'kit-entropy',
      { words: swapped.join(' ') },
      'checksum',
      `words ${a + 1} and ${b + 1} are swapped`,
    );
  }
  await m.fail('reversed', 'kit-entropy', { words: [...list].reverse().join(' ') }, 'checksum', 'the words in reverse');
  await m.fail(
    'all-abandon',
    'kit-entropy',
    { words: Array(24).fill('abandon').join(' ') },
    'checksum',
    'one word 24 times',
  );
  const other = kitWords(random(32));
  await m.fail(
    'halves',
    'kit-entropy',
    { words: [...list.slice(0, 12), ...other.slice(12)].join(' ') },
    'checksum',
    'halves of two kits',
  );
  const forms: [string, string, string][] = [
    ['none', '', 'no word'],
    [
      '12',
      'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
      'twelve words with a good checksum',
    ],
    ['23', list.slice(0, 23).join(' '), 'a word is missing'],
    ['25', `${EXAMPLE} abandon`, 'a word is too many'],
    ['48', `${EXAMPLE} ${EXAMPLE}`, 'the words twice'],
    ['unknown', change(3, 'passport'), 'a word that is not in the list'],
    ['unknown-last', change(23, 'unawares'), 'a word that is not in the list'],
    ['prefix', change(2, 'liar1'), 'a word with a digit at its end'],
    ['four-letters', change(0, 'aban'), 'only four letters'],
    ['spanish', change(0, 'ábaco'), 'a word of the Spanish list'],
    ['joined', change(1, 'amountliar'), 'two words without a space, one too many'],
    ['hex', '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hexadecimal'],
    ['zero-width', change(0, 'aban\u200bdon'), 'a zero-width space in a word'],
    ['hyphens', list.join('-'), 'hyphens in place of spaces'],
  ];
  for (const [name, words, why] of forms) await m.fail(`form-${name}`, 'kit-entropy', { words }, 'parse', why);
  return m;
}
