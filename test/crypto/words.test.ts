import { createHash } from 'node:crypto';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../src/bytes.ts';
import { hash, hash0 } from '../../src/crypto/statements.ts';
import { deviceWords, isWord, kitEntropy, kitWords, pidWords, sasWords } from '../../src/crypto/words.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

/** trezor/python-mnemonic, vectors.json: English, 32 bytes. */
const BIP_39: [string, string][] = [
  ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
  [
    '7f'.repeat(32),
    'legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title',
  ],
  [
    '80'.repeat(32),
    'letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless',
  ],
  ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
  [
    '68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c',
    'hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length',
  ],
];

const entropy = seededRandom('kit')(32);
const words = kitWords(entropy);

describe('the word list', () => {
  it('is the English one of BIP-39, told apart by four letters', () => {
    const text = `${wordlist.join('\n')}\n`;
    // english.txt of bitcoin/bips, as many wallets pin it
    expect(createHash('sha256').update(text).digest('hex')).toBe(
      '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda',
    );
    expect(new Set(wordlist.map((word) => word.slice(0, 4))).size).toBe(2048);
  });
});

describe('kit words', () => {
  it.each(BIP_39)('agree with BIP-39 for %s', (bytes, mnemonic) => {
    expect(kitWords(fromHex(bytes)).join(' ')).toBe(mnemonic);
    expect(hex(kitEntropy(mnemonic))).toBe(bytes);
  });

  it('are 24 and give the bytes back', () => {
    for (let i = 0; i < 20; i++) {
      const bytes = seededRandom(i)(32);
      expect(kitWords(bytes)).toHaveLength(24);
      expect(hex(kitEntropy(kitWords(bytes).join(' ')))).toBe(hex(bytes));
    }
  });

  it.each([
    ['capitals', words.join(' ').toUpperCase()],
    ['line breaks, tabs and more spaces', `\n\t ${words.join('  \r\n')}\u00a0 \n`],
    ['numbers with a dot', words.map((word, i) => `${i + 1}. ${word}`).join('\n')],
    [
      'numbers with a bracket or a colon, close to the word',
      words.map((word, i) => `${i + 1}${i % 2 ? ')' : ':'}${word}`).join(' '),
    ],
    ['bare numbers', words.map((word, i) => `${i + 1} ${word}`).join(' ')],
    ['commas', words.join(', ')],
    ['a full stop at the end', `${words.join(' ')}.`],
    [
      'wide letters, as some keyboards type them',
      words.join(' ').replace(/[a-z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    ],
  ])('are read with %s', (_, text) => {
    expect(hex(kitEntropy(text))).toBe(hex(entropy));
  });

  it('that are not in the list are named by position, not by content', () => {
    const typed = words.slice();
    [typed[3], typed[10]] = ['secretword', 'zooo'];
    expect(() => kitEntropy(typed.join(' '))).toThrow(
      expect.objectContaining({ code: 'kit-invalid', details: { unknown: [4, 11] } }),
    );
    expect(() => kitEntropy(typed.join(' '))).not.toThrow(/secretword|zooo/);
  });

  it.each([
    ['nothing', ''],
    ['only numbers', '1. 2. 3.'],
    ['23 words', words.slice(1).join(' ')],
    ['25 words', `${words.join(' ')} zoo`],
    ['12 words with a good checksum', `${'abandon '.repeat(11)}about`],
    ['one other word', ['zoo', ...words.slice(1)].join(' ')],
    ['two words swapped', [words[0], words[2], words[1], ...words.slice(3)].join(' ')],
  ])('are refused: %s', (_, text) => {
    expect(codeOf(() => kitEntropy(text))).toBe('kit-invalid');
  });

  it('that are too few or too many are counted', () => {
    expect(() => kitEntropy(words.slice(1).join(' '))).toThrow(
      expect.objectContaining({ code: 'kit-invalid', details: { words: 23 } }),
    );
  });

  it('are no words with a number or a mark inside', () => {
    for (const odd of [`${words[0]}1`, `${words[0]}1.x`, `${words[0]!.slice(0, 2)}.${words[0]!.slice(2)}`]) {
      expect(() => kitEntropy([odd, ...words.slice(1)].join(' '))).toThrow(
        expect.objectContaining({ code: 'kit-invalid', details: { unknown: [1] } }),
      );
    }
  });

  it('need 32 bytes', () => {
    expect(codeOf(() => kitWords(new Uint8Array(16)))).toBe('TypeError');
  });
});

describe('fingerprints', () => {
  const pid = seededRandom('pid')(32);

  it('of a passport are the first 88 bits of SHA-256(L0("pid-words", pid))', () => {
    expect(pidWords(pid)).toEqual(bitsAsWords(hex(hash0('pid-words', pid)), 8));
  });

  it('of a device are the same of H("device-words", sign key, receive key)', () => {
    const [signKey, receiveKey] = [seededRandom('s')(32), seededRandom('r')(32)];
    expect(deviceWords(pid, signKey, receiveKey)).toEqual(
      bitsAsWords(hex(hash(pid, 'device-words', signKey, receiveKey)), 8),
    );
    expect(deviceWords(pid, signKey, receiveKey)).not.toEqual(deviceWords(pid, receiveKey, signKey));
  });

  it('of a pairing are the first 33 bits', () => {
    expect(sasWords(fromHex('0000000000'))).toEqual(['abandon', 'abandon', 'abandon']);
    expect(sasWords(fromHex('ffffffffff'))).toEqual(['zoo', 'zoo', 'zoo']);
    expect(sasWords(fromHex('002004007f'))).toEqual(['ability', 'ability', 'abandon']);
    expect(sasWords(fromHex('00200400ff'))).toEqual(['ability', 'ability', 'ability']);
    for (let i = 0; i < 20; i++) {
      const bits = seededRandom(i)(8);
      expect(sasWords(bits)).toEqual(bitsAsWords(hex(bits), 3));
    }
    expect(codeOf(() => sasWords(fromHex('00000000')))).toBe('TypeError');
  });
});

describe('isWord', () => {
  it('knows the list, in lower case', () => {
    expect(wordlist.every(isWord)).toBe(true);
    for (const text of ['Zoo', 'zooo', '', 'constructor', ' zoo']) expect(isWord(text)).toBe(false);
  });
});

/** The same with text instead of shifts. */
function bitsAsWords(bytes: string, count: number): string[] {
  const bits = Array.from(bytes, (digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('');
  return Array.from(
    { length: count },
    (_, i) => wordlist[Number.parseInt(bits.slice(11 * i, 11 * i + 11), 2)] as string,
  );
}
