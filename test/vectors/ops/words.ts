/** Operations on words and kits (docs/protocol.md, 3). */
import { kitKeys } from '../../../src/crypto/kit.ts';
import { deviceWords, kitEntropy, kitWords, pidWords } from '../../../src/crypto/words.ts';
import { isPassportError } from '../../../src/errors.ts';
import { type Input, type Operation, refuse } from '../schema.ts';

function entropy(input: Input) {
  try {
    return { entropy: kitEntropy(input.text('words')) };
  } catch (error) {
    if (!isPassportError(error, 'kit-invalid')) throw error;
    // Words that are not in the list, or another number of them, are told apart from a wrong checksum.
    return refuse(Object.keys(error.details).length > 0 ? 'parse' : 'checksum');
  }
}

export const words: Record<string, Operation> = {
  'kit-entropy': entropy,
  'kit-words': (input) => ({ words: kitWords(input.bytes('entropy')).join(' ') }),
  'kit-keys': (input) => ({ ...kitKeys(input.bytes('entropy')) }),
  'pid-words': (input) => ({ words: pidWords(input.bytes('pid')).join(' ') }),
  'device-words': (input) => ({
    words: deviceWords(input.bytes('pid'), input.bytes('signKey'), input.bytes('receiveKey')).join(' '),
  }),
};
