/** Bodies of mail by an insider, as the ceremonies make them but for one place. */
import type { Mail, MailKind } from '../../src/ceremonies/mail.ts';
import { unread } from '../../src/ceremonies/mail.ts';
import type { Bytes } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { signStatement } from '../../src/crypto/sign.ts';
import type { MemberView } from '../../src/device/device.ts';
import { epochOf, head, headSlot, holdersOf } from '../../src/registry/state.ts';
import type { Forger } from '../helpers/hostile.ts';
import { mutateBytes } from './bytes.ts';
import type { Rng } from './rng.ts';
import { mutateTree } from './tree.ts';

const KINDS: readonly MailKind[] = ['unlock', 'share', 'refuse', 'cancel', 'drill', 'drill-answer'];

export async function forgeMailBody(forger: Forger, view: MemberView, rng: Rng): Promise<Omit<Mail, 'sender'>> {
  const { state, tx } = view;
  const { voter, device } = forger;
  const { pid } = device;
  const open = await unread(tx);
  const id = open.length > 0 && rng.once(2) ? rng.pick(open).id : rng.bytes(16);
  const sign = (use: string, ...fields: Parameters<typeof signStatement>[3][]) =>
    signStatement(voter.signSeed, pid, use, ...fields);
  const kind = rng.pick(KINDS);
  const body = bodyOf();
  const changed = rng.once(4) ? body : (mutateTree(body, rng) ?? mutateBytes(body, rng));
  return { kind, id, body: changed.slice(0, 60_000) };

  function bodyOf(): Bytes {
    const hash = rng.bytes(32);
    switch (kind) {
      case 'unlock': {
        const request = encode([
          ...['unlock', id, voter.id, headSlot(state), head(state).id, state.epoch],
          ...[receiveKey((length) => rng.bytes(length)).publicKey, 'please', 60_000],
          ...[device.env.clock.now() + 300_000, holdersOf(state).map((holder) => holder.id)],
        ]);
        const odd = rng.once(2) ? request : (mutateTree(request, rng) ?? request).slice(0, 4096);
        return encode([odd, sign('unlock', sha256(odd))]);
      }
      case 'share': {
        const box = rng.bytes(81);
        return encode([hash, box, sign('unlock-answer', state.epoch, id, hash, voter.id, voter.id, sha256(box))]);
      }
      case 'refuse':
        return encode([hash, sign('unlock-refuse', id, hash)]);
      case 'cancel':
        return encode([hash, sign('unlock-cancel', id, hash)]);
      case 'drill':
        return encode([hash]);
      case 'drill-answer': {
        const { slot, epoch } = epochOf(state);
        const signed = sign('drill', slot, epoch, voter.id, hash);
        return encode([hash, slot, epoch, signed, [[rng.bytes(16), slot, epoch, 1, rng.bytes(64)]]]);
      }
    }
  }
}
