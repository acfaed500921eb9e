/**
 * What the platform's Unicode tables decide: the bytes of a passphrase (NFKC), which keys are in NFC, what is read as kit words.
 * Tables grow with every version of Unicode, so this looks at characters that were assigned long ago (Unicode 15.0 or before).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, copy, utf8 } from '../../src/bytes.ts';
import { passphraseBytes } from '../../src/crypto/argon2.ts';
import { kitEntropy, kitWords } from '../../src/crypto/words.ts';
import { isKey } from '../../src/format/update.ts';
import { isHolderName } from '../../src/registry/valid.ts';
import { seededRandom } from '../helpers/random.ts';
import { type Findings, REFUSED } from './findings.ts';

/** First and last code point of blocks without a gap that a later version filled. */
const BLOCKS: [name: string, first: number, last: number][] = [
  ['controls, Latin, IPA, modifiers, combining', 0x0000, 0x036f],
  ['Cyrillic', 0x0400, 0x052f],
  ['Arabic', 0x0600, 0x06ff],
  ['Devanagari', 0x0900, 0x097f],
  ['Hangul letters', 0x1100, 0x11ff],
  ['Latin and Greek, extended', 0x1e00, 0x1eff],
  ['punctuation, directions', 0x2000, 0x205e],
  ['directions of text', 0x2066, 0x206f],
  ['letters and numbers', 0x2100, 0x218b],
  ['arrows, mathematics, technical', 0x2190, 0x23ff],
  ['enclosed letters and boxes', 0x2460, 0x259f],
  ['Kana, after the space and marks of East Asia', 0x3000, 0x303f],
  ['Kana, half of it', 0x30a0, 0x30ff],
  ['units in squares', 0x3300, 0x33ff],
  ['Hangul', 0xac00, 0xd7a3],
  ['compatibility ideographs', 0xf900, 0xfa6d],
  ['Arabic forms', 0xfe80, 0xfefc],
  ['half and full width', 0xff01, 0xffbe],
  ['mathematical letters', 0x1d400, 0x1d454],
  ['emoji', 0x1f600, 0x1f64f],
];

export async function askText(findings: Findings): Promise<void> {
  for (const [name, first, last] of BLOCKS) {
    const points = Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));
    const texts = points.flatMap((point) => [point, `a${point}`, `${point}\u0301\u0323`, `e\u0323${point}z`]);
    await findings.ask(`passphrases of ${name}`, {
      ours: () => digest(...texts.map((text) => passphraseBytes(text))),
    });
    const verdicts = (is: (text: string) => boolean) => texts.map((text) => (is(text) ? '1' : '0')).join('');
    await findings.ask(`keys of ${name}`, { ours: () => digest(utf8(verdicts(isKey))) });
    await findings.ask(`names of ${name}`, { ours: () => digest(utf8(verdicts(isHolderName))) });
  }
  // Rules without tables of the platform: every code point, also those that a version does not know.
  for (const [what, is] of [
    ['keys', isKey],
    ['names', isHolderName],
  ] as const) {
    const verdicts = new Uint8Array(0x11_0000);
    for (let point = 0; point < verdicts.length; point++)
      verdicts[point] = is(`a${String.fromCodePoint(point)}`) ? 1 : 0;
    await findings.ask(`${what} with every code point`, { ours: () => digest(verdicts) });
  }
  const random = seededRandom('differential words');
  for (let i = 0; i < 20; i++) {
    const entropy = random(32);
    const words = kitWords(entropy);
    const typed = words.map((word, at) => `${at + 1}.\u00a0${word.toUpperCase()}`).join('\u3000\r\n');
    await findings.ask(`kit words ${i}`, { ours: () => words.join(' ') });
    await findings.ask(`kit words as typed ${i}`, { ours: () => kitEntropy(typed) }, entropy);
    await findings.ask(`kit words swapped ${i}`, { ours: () => kitEntropy(words.toReversed().join(' ')) }, REFUSED);
  }
}

function digest(...parts: Uint8Array[]) {
  return copy(sha256(concat(...parts)));
}
