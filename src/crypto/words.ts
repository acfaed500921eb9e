/**
 * Secrets and fingerprints as words of the English BIP-39 list: 2,048 words, 11 bits each, told apart by four letters.
 * A kit is 32 random bytes as 24 words with a checksum; fingerprints of a passport and of a device are eight words (88 bits),
 * the words compared in pairing are three (33 bits). Most significant bits first.
 */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import type { Bytes } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import { hash, hash0 } from './statements.ts';

const BITS = 11;
const KIT_WORDS = 24;
const known = new Set(wordlist);

/** 24 words; the last one carries the checksum (BIP-39). */
export function kitWords(entropy: Bytes): string[] {
  if (entropy.length !== 32) throw new TypeError(`kit: expected 32 bytes, got ${entropy.length}`);
  return entropyToMnemonic(entropy, wordlist).split(' ');
}

/**
 * The 32 bytes of a kit as a person typed it: any case, spacing and line breaks, words may carry their numbers ("1." or "12)").
 * `kit-invalid` with the positions (from 1) of the words that are not in the list, or because number or checksum is wrong.
 */
export function kitEntropy(words: string): Bytes {
  const typed = words
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/)
    .map((part) => part.replace(/^\d+[.):]?/, '').replace(/[.,;]$/, ''))
    .filter((part) => part !== '');
  const unknown = typed.flatMap((word, i) => (known.has(word) ? [] : [i + 1]));
  if (unknown.length > 0) {
    throw new PassportError('kit-invalid', `not in the word list: word ${unknown.join(', ')}`, {
      hint: 'Compare these words with the paper.',
      details: { unknown },
    }); // V214
  }
  if (typed.length !== KIT_WORDS) {
    throw new PassportError('kit-invalid', `a kit has ${KIT_WORDS} words, these are ${typed.length}`, {
      details: { words: typed.length },
    }); // V215
  }
  try {
    return new Uint8Array(mnemonicToEntropy(typed.join(' '), wordlist));
  } catch {
    throw new PassportError(
      'kit-invalid',
      'the words are no kit: one of them is another word of the list, or two are swapped',
      {
        hint: 'Compare all words with the paper.',
      },
    ); // V216
  }
}

/** Eight words by which a person knows a passport. */
export function pidWords(pid: Bytes): string[] {
  return toWords(hash0('pid-words', pid), 8);
}

/** Eight words by which a person knows a device's keys. */
export function deviceWords(pid: Bytes, signKey: Bytes, receiveKey: Bytes): string[] {
  return toWords(hash(pid, 'device-words', signKey, receiveKey), 8);
}

/** The three words compared in pairing: the first 33 bits of `bits`, which has at least five bytes. */
export function sasWords(bits: Bytes): string[] {
  return toWords(bits, 3);
}

export function isWord(word: string): boolean {
  return known.has(word);
}

function toWords(bytes: Bytes, count: number): string[] {
  if (bytes.length * 8 < count * BITS) throw new TypeError(`${count} words need ${count * BITS} bits`);
  const words: string[] = [];
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    if (bits < BITS) continue;
    bits -= BITS;
    words.push(wordlist[value >>> bits] as string);
    if (words.length === count) break;
    value &= (1 << bits) - 1;
  }
  return words;
}
