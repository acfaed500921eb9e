/**
 * The keys of a paper kit, from its 32 random bytes (docs/protocol.md, 3). Apart from keys.ts because it needs the curves.
 * The bytes go straight into HKDF: they are no password, and the BIP-39 seed function would make the words a wallet.
 */
import type { Bytes } from '../bytes.ts';
import { hkdf } from './hash.ts';
import { receivePublicOf } from './hpke.ts';
import { publicKeyOf } from './sign.ts';
import { info0 } from './statements.ts';

export interface KitKeys {
  readonly signSeed: Bytes;
  readonly signKey: Bytes;
  readonly receivePrivate: Bytes;
  readonly receiveKey: Bytes;
}

/** 32 bytes each. No pid goes in: who has only paper does not know it. */
export function kitKeys(entropy: Bytes): KitKeys {
  if (entropy.length !== 32) throw new TypeError(`kit: expected 32 bytes, got ${entropy.length}`);
  const signSeed = hkdf(entropy, info0('kit', 'sign'), 32);
  const receivePrivate = hkdf(entropy, info0('kit', 'receive'), 32);
  return { signSeed, signKey: publicKeyOf(signSeed), receivePrivate, receiveKey: receivePublicOf(receivePrivate) };
}
