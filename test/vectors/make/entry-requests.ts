/** Vectors of requests that are possible, or not, in a state. */
import { holderId } from '../../../src/crypto/keys.ts';
import { type ChangeRequest, encodeRequest, type Holder } from '../../../src/format/entry.ts';
import type { Actor, Registry } from '../../helpers/registry.ts';
import { flip, type Maker } from '../maker.ts';

type Refusal = 'context' | 'policy' | 'key';
type Change = Partial<ChangeRequest>;

export async function possibleRequests(
  m: Maker,
  r: Registry,
  who: Record<'laptop' | 'phone' | 'kit' | 'fresh' | 'stranger', Actor>,
  before: { given: string },
): Promise<void> {
  const { laptop, phone, kit, fresh, stranger } = who;
  const { pid } = r;
  const asked = r.request({ enters: [fresh.holder], leaves: [kit.holder.id] });
  const of = (change: Change) => ({ pid, before, request: encodeRequest({ ...asked, ...change }) });
  const enters = (change: Partial<Holder>) => ({ enters: [{ ...fresh.holder, ...change }] });
  const none = { enters: [], leaves: [] };
  const small = Uint8Array.of(1, ...new Uint8Array(31));
  await m.pass('request', 'request-possible', of({}));
  await m.pass(
    'request-policy',
    'request-possible',
    of({ ...none, kind: 'policy', names: [{ id: kit.holder.id, name: 'safe' }], unlockDevices: [phone.holder.id] }),
  );
  await m.pass(
    'request-by-newcomer',
    'request-possible',
    of({ initiator: { id: fresh.holder.id, signKey: fresh.holder.signKey } }),
  );
  await m.pass('request-name-64', 'request-possible', of(enters({ name: '🛂'.repeat(64) })));
  const bad: [string, Refusal, string, Change][] = [
    ['leaves-twice', 'context', 'who leaves comes twice', { leaves: [kit.holder.id, kit.holder.id] }],
    ['leaves-stranger', 'context', 'who leaves was never there', { leaves: [stranger.holder.id] }],
    ['seat-used', 'context', 'a seat that was used', enters({ seat: 3 })],
    ['seat-of-initiator', 'context', 'a seat that is used', enters({ seat: 1 })],
    ['enters-twice', 'context', 'one newcomer twice', { enters: [fresh.holder, { ...fresh.holder, seat: 9 }] }],
    [
      'seat-twice',
      'context',
      'one seat for two',
      { enters: [fresh.holder, { ...stranger.holder, seat: fresh.holder.seat }] },
    ],
    ['4-of-3', 'policy', '4 of 3', { threshold: 4 }],
    ['2-of-4', 'policy', '2 of 4: two quorums need not meet', { leaves: [] }],
    ['2-of-1', 'policy', '2 of 1', { ...none, leaves: [kit.holder.id, phone.holder.id] }],
    ['passphrase-leaves', 'context', 'a new passphrase that lets somebody go', { kind: 'passphrase' }],
    ['rotate-threshold', 'context', 'new keys with another N', { ...none, kind: 'rotate', threshold: 3 }],
    ['policy-threshold', 'context', 'a policy with another N', { ...none, kind: 'policy', threshold: 3 }],
    ['policy-enters', 'context', 'a policy that lets somebody in', { kind: 'policy' }],
    ['holders-names', 'context', 'a change of holders with a name', { names: [{ id: phone.holder.id, name: 'x' }] }],
    ['holders-unlock', 'context', 'a change of holders with an unlock device', { unlockDevices: [phone.holder.id] }],
    [
      'name-nobody',
      'context',
      'a name for nobody',
      { ...none, kind: 'policy', names: [{ id: stranger.holder.id, name: 'x' }] },
    ],
    [
      'name-turned',
      'context',
      'a name that turns the direction of text',
      { ...none, kind: 'policy', names: [{ id: phone.holder.id, name: 'a\u202eb' }] },
    ],
    [
      'name-twice',
      'context',
      'two names for one holder',
      { ...none, kind: 'policy', names: ['x', 'y'].map((name) => ({ id: phone.holder.id, name })) },
    ],
    [
      'unlock-twice',
      'context',
      'one unlock device twice',
      { ...none, kind: 'policy', unlockDevices: [phone.holder.id, phone.holder.id] },
    ],
    ['unlock-kit', 'context', 'a kit as unlock device', { ...none, kind: 'policy', unlockDevices: [kit.holder.id] }],
    [
      'unlock-stranger',
      'context',
      'nobody as unlock device',
      { ...none, kind: 'policy', unlockDevices: [stranger.holder.id] },
    ],
    ['by-leaving', 'context', 'asked by who leaves', { leaves: [laptop.holder.id] }],
    [
      'by-kit',
      'context',
      'asked by a kit',
      { leaves: [], threshold: 3, initiator: { id: kit.holder.id, signKey: kit.holder.signKey } },
    ],
    [
      'by-stranger',
      'context',
      'asked by nobody',
      { initiator: { id: stranger.holder.id, signKey: stranger.holder.signKey } },
    ],
    [
      'by-other-key',
      'context',
      'asked under another key',
      { initiator: { id: laptop.holder.id, signKey: phone.holder.signKey } },
    ],
    ['newcomer-space', 'context', 'a name with a space in front', enters({ name: ' tablet' })],
    ['newcomer-end', 'context', 'a name that ends with U+00A0', enters({ name: 'tablet\u00a0' })],
    ['newcomer-direction', 'context', 'a name that turns the direction of text', enters({ name: 'a\u202eb' })],
    ['newcomer-private', 'context', 'a name with a character for private use', enters({ name: 'a\u{10fffd}' })],
    ['newcomer-65', 'context', 'a name of 65 characters', enters({ name: 'x'.repeat(65) })],
    ['newcomer-control', 'context', 'a name with a line break', enters({ name: 'a\nb' })],
    ['newcomer-id', 'context', 'an id of another key', enters({ id: flip(fresh.holder.id) })],
    ['newcomer-one-key', 'key', 'one key for both uses', enters({ receiveKey: fresh.holder.signKey })],
    [
      'newcomers-one-key',
      'key',
      'two newcomers with one receive key',
      { threshold: 3, enters: [fresh.holder, { ...stranger.holder, seat: 9, receiveKey: fresh.holder.receiveKey }] },
    ],
    [
      'newcomer-known-sign-key',
      'key',
      'the signing key of a holder',
      enters({ signKey: phone.holder.signKey, id: phone.holder.id }),
    ],
    ['newcomer-known-receive-key', 'key', 'the receive key of a holder', enters({ receiveKey: kit.holder.receiveKey })],
    [
      'newcomer-small-sign-key',
      'key',
      'a signing key of small order',
      enters({ signKey: small, id: holderId(pid, small) }),
    ],
    ['newcomer-low-receive-key', 'key', 'a receive key of low order', enters({ receiveKey: new Uint8Array(32) })],
    [
      'newcomer-high-receive-key',
      'key',
      'a receive key with its top bit set',
      enters({ receiveKey: flip(fresh.holder.receiveKey, 31, 0x80) }),
    ],
    [
      'newcomer-p-receive-key',
      'key',
      'a receive key that is not below p',
      enters({ receiveKey: Uint8Array.of(0xf6, ...new Uint8Array(30).fill(255), 0x7f) }),
    ],
  ];
  for (const [name, layer, why, change] of bad)
    await m.fail(`request-${name}`, 'request-possible', of(change), layer, why);
}
