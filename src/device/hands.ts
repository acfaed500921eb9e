/**
 * Who can vote and give a share on this machine: the device itself, and each kit whose words were typed. A kit's keys exist
 * for one call; its memory of what it voted is its vote objects in the stores.
 */
import { type Bytes, hex } from '../bytes.ts';
import { kitKeys } from '../crypto/kit.ts';
import { holderId } from '../crypto/keys.ts';
import { kitEntropy } from '../crypto/words.ts';
import { PassportError } from '../errors.ts';
import { holderOf, memberOf, type RegistryState } from '../registry/state.ts';
import type { Voter } from '../registry/messages.ts';

/** A kit in the hand: ids and keys as in docs/protocol.md, 3. */
export interface KitHand extends Voter {
  readonly kind: 'kit';
  readonly signKey: Bytes;
  readonly receivePrivate: Bytes;
  readonly receiveKey: Bytes;
}

/** The kits of these words, each once; `kit-invalid` for words that are not a kit's. */
export function kitHands(pid: Bytes, kits: readonly string[]): KitHand[] {
  const hands = new Map<string, KitHand>();
  for (const words of kits) {
    const { signSeed, signKey, receivePrivate, receiveKey } = kitKeys(kitEntropy(words));
    const id = holderId(pid, signKey);
    hands.set(hex(id), { kind: 'kit', id, signSeed, signKey, receivePrivate, receiveKey });
  }
  return [...hands.values()];
}

/** `kit-unknown` for a kit that is no holder of this passport now; says whether it ever was one. */
export function requireHolders(state: RegistryState, hands: readonly KitHand[]): void {
  for (const hand of hands) {
    if (holderOf(state, hand.id) !== undefined) continue;
    const former = memberOf(state, hand.id);
    throw new PassportError(
      'kit-unknown',
      former === undefined
        ? 'this kit belongs to another passport'
        : `"${former.name}" is no holder any more; its place was taken`,
      { hint: 'Use a kit that `passport devices` lists.' },
    ); // V217
  }
}
