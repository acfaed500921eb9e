/** Kits in the hand: from words to a holder of this passport, or a clear no. */
import { beforeAll, describe, expect, it } from 'vitest';

import { kitHands, requireHolders } from '../../src/device/hands.ts';
import { kitKeys } from '../../src/crypto/kit.ts';
import { holderId } from '../../src/crypto/keys.ts';
import { kitEntropy, kitWords } from '../../src/crypto/words.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';
import { Registry } from '../helpers/registry.ts';

const random = seededRandom('hands');
const words = kitWords(random(32)).join(' ');
let registry: Registry;

beforeAll(async () => {
  registry = await Registry.found('hands');
});

describe('the kits of a call', () => {
  it('are keys derived from their words and the passport', () => {
    const [kit] = kitHands(registry.pid, [words]);
    const keys = kitKeys(kitEntropy(words));
    expect(kit).toMatchObject({ kind: 'kit', id: holderId(registry.pid, keys.signKey), ...keys });
  });

  it('count once each, however they are typed', () => {
    const other = kitWords(random(32)).join(' ');
    const hands = kitHands(registry.pid, [words, words.toUpperCase(), other, ` ${words.split(' ').join('\n')} `]);
    expect(hands).toHaveLength(2);
    expect(kitHands(registry.pid, [])).toEqual([]);
  });

  it('are kit-invalid when the words are none', () => {
    for (const bad of ['', 'zoo', `${words} zoo`, words.replace(/^\S+/, 'zoo')]) {
      expect(codeOf(() => kitHands(registry.pid, [bad]))).toBe('kit-invalid');
    }
  });

  it('are holders now, or kit-unknown', () => {
    const [stranger] = kitHands(registry.pid, [words]);
    expect(codeOf(() => requireHolders(registry.state, [stranger!]))).toBe('kit-unknown');
    const { holder, seed, receivePrivate } = registry.actor(2);
    const { id, signKey, receiveKey } = holder;
    const kit = { kind: 'kit' as const, id, signKey, receiveKey, signSeed: seed, receivePrivate };
    expect(codeOf(() => requireHolders(registry.state, [kit]))).toBe('no error');
  });
});
