/** Vectors of VALID(E): an honest entry of each kind, and each single lie, signed by everybody who has to sign. */
import { type Bytes, equal } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { receiveKey } from '../../../src/crypto/hpke.ts';
import {
  type ChangeRequest,
  encodeCore,
  encodeEntry,
  encodeRequest,
  type Entry,
  type EntryCore,
  type EpochPart,
  type Holder,
  requestHash,
} from '../../../src/format/entry.ts';
import { placeAfter, signApproval, signPromise, signRole } from '../../../src/registry/messages.ts';
import type { RegistryState } from '../../../src/registry/state.ts';
import { type Actor, type Lies, Registry, voter } from '../../helpers/registry.ts';
import { flip, Maker, row } from '../maker.ts';
import { entryForms } from './entry-forms.ts';
import { foundings } from './entry-founding.ts';
import { possibleRequests } from './entry-requests.ts';

type Refusal = 'parse' | 'bound' | 'key' | 'signature' | 'context' | 'approval' | 'policy' | 'epoch' | 'order';
type Options = Lies & {
  voters?: readonly Actor[];
  entering?: readonly Actor[];
  heads?: (device: Holder) => { device: Bytes; heads: { header: Bytes; signature: Bytes }[] };
};
type Change = Partial<ChangeRequest>;

export async function makeEntry(): Promise<Maker> {
  const m = new Maker(
    'entry',
    'docs/protocol.md 5, VALID(E)',
    'Registry entries after a state (the entries before), slot 0, and which requests are possible.',
  );
  const r = await Registry.found('vector entry');
  const [laptop, phone, kit] = [r.actor(0), r.actor(1), r.actor(2)];
  const [fresh, stranger] = [r.fresh('tablet'), r.fresh('stranger')];
  const before = m.give('before', [r.founding.entry.bytes]);
  const { pid } = r;
  const place = placeAfter(r.state);
  const of = (entry: Entry) => ({ before, entry: entry.bytes });

  const enroll: Change = { enters: [fresh.holder], leaves: [kit.holder.id] };
  const entering: Options = { entering: [fresh] };
  const paper = r.fresh('paper', 'kit');
  const stated =
    (...heads: { header: Bytes; signature: Bytes }[]) =>
    (device: Holder) => ({ device: device.id, heads: heads.map(({ header, signature }) => ({ header, signature })) });
  const revoke: Change = { leaves: [phone.holder.id] };
  const byKit: Options = { voters: [laptop, kit] };
  const rotate: Change = { kind: 'rotate' };

  const honest: [string, Change, Options][] = [
    ['enroll', enroll, entering],
    [
      'replace-device',
      { enters: [paper.holder], leaves: [phone.holder.id] },
      { ...byKit, entering: [paper], heads: stated(r.headOf(phone)) },
    ],
    ['revoke', revoke, { ...byKit, heads: stated(r.headOf(phone), r.headOf(phone, 6)) }],
    ['threshold', { threshold: 3 }, {}],
    [
      'passphrase',
      { kind: 'passphrase' },
      { terms: (terms) => ({ ...terms, salt: r.random(32), cost: { memoryKiB: 131_072, passes: 2, lanes: 1 } }) },
    ],
    ['rotate', rotate, {}],
    ['name', { kind: 'policy', names: [{ id: phone.holder.id, name: 'pocket 📱' }] }, {}],
    ['unlock-devices', { kind: 'policy', unlockDevices: [laptop.holder.id] }, {}],
    ['all-vote', { threshold: 3 }, { voters: [laptop, phone, kit] }],
    ['kit-votes', enroll, { ...entering, voters: [laptop, kit] }],
    ['promises-reversed', enroll, { ...entering, promises: (all) => [...all].reverse() }],
  ];
  for (const [name, change, lies] of honest) await m.pass(name, 'entry-valid', of((await r.next(change, lies)).entry));

  /** One lie in an entry that is signed all the same. */
  const lie = async (name: string, layer: Refusal, why: string, change: Change, lies: Options) =>
    m.fail(name, 'entry-valid', of((await r.next(change, lies)).entry), layer, why);
  const core = (change: (core: EntryCore) => Partial<EntryCore>, base = entering): Options => ({
    ...base,
    core: (c) => ({ ...c, ...change(c) }),
  });
  const part = (change: Partial<EpochPart>): Options => core((c) => ({ epochPart: { ...c.epochPart!, ...change } }));
  const { publicKey } = receiveKey(r.random);
  const small = Uint8Array.of(1, ...new Uint8Array(31));

  const cores: [string, Refusal, string, Options][] = [
    ['pid', 'context', 'another passport', core((c) => ({ pid: flip(c.pid) }))],
    ['slot-0', 'context', 'the slot before', core(() => ({ slot: 0 }))],
    ['slot-2', 'context', 'the slot after', core(() => ({ slot: 2 }))],
    ['prev', 'context', 'another entry before', core((c) => ({ prev: flip(c.prev) }))],
    ['prev-pid', 'context', 'prev is the pid', core(() => ({ prev: pid }))],
    [
      'birth-initiator',
      'context',
      'a ballot of another initiator',
      core((c) => ({ birth: { ...c.birth, initiator: phone.holder.id } })),
    ],
    [
      'birth-round',
      'approval',
      'a ballot of another round than the promises',
      core((c) => ({ birth: { ...c.birth, round: 2 } })),
    ],
    ['threshold-other', 'policy', 'another N than was asked', core(() => ({ threshold: 3 }))],
    ['epoch-same', 'epoch', 'the epoch of before', core(() => ({ epoch: 0 }))],
    ['epoch-skipped', 'epoch', 'an epoch is left out', core(() => ({ epoch: 2 }))],
    ['epoch-no-part', 'epoch', 'a new epoch without its part', core(() => ({ epochPart: null }))],
    [
      'unlock-device',
      'context',
      'a device that may keep its session, in a change of holders',
      core(() => ({ unlockDevices: [laptop.holder.id] })),
    ],
    ['holder-name', 'context', 'another name', holders(([a, ...rest]) => [{ ...a!, name: 'x' }, ...rest])],
    ['holder-seat', 'context', 'another seat', holders((all) => [...all.slice(0, -1), { ...all.at(-1)!, seat: 77 }])],
    ['holder-kind', 'context', 'another kind', holders(([a, ...rest]) => [{ ...a!, kind: 'kit' }, ...rest])],
    ['holder-id', 'context', 'another id', holders(([a, ...rest]) => [{ ...a!, id: flip(a!.id) }, ...rest])],
    [
      'holder-sign-key',
      'context',
      'another signing key',
      holders(([a, ...rest]) => [{ ...a!, signKey: stranger.holder.signKey }, ...rest]),
    ],
    [
      'holder-receive-key',
      'context',
      'another receive key than the promise gives',
      holders(([a, ...rest]) => [{ ...a!, receiveKey: publicKey }, ...rest]),
    ],
    [
      'holder-old-key',
      'context',
      'the receive key of before',
      holders(([a, ...rest]) => [{ ...a!, receiveKey: laptop.holder.receiveKey }, ...rest]),
    ],
    ['holders-reversed', 'context', 'the holders in another order', holders((all) => [...all].reverse())],
    ['holders-less', 'context', 'a holder is missing', holders((all) => all.slice(1))],
    ['holders-more', 'context', 'who leaves is still there', holders((all) => [all[0]!, all[1]!, kit.holder, all[2]!])],
    [
      'holders-swapped-keys',
      'context',
      'two receive keys are swapped',
      holders(([a, b, ...rest]) => [
        { ...a!, receiveKey: b!.receiveKey },
        { ...b!, receiveKey: a!.receiveKey },
        ...rest,
      ]),
    ],
    ['salt', 'context', 'another salt without a new passphrase', part({ salt: row(1, 16) })],
    [
      'memory',
      'context',
      'another cost without a new passphrase',
      part({ cost: { memoryKiB: 131_072, passes: 3, lanes: 4 } }),
    ],
    ['cost-low', 'bound', 'Argon2id with 1 MiB', part({ cost: { memoryKiB: 1024, passes: 3, lanes: 4 } })],
    ['cost-4-tib', 'bound', 'Argon2id with 4 TiB', part({ cost: { memoryKiB: 4_294_967_295, passes: 3, lanes: 4 } })],
    [
      'cost-passes',
      'bound',
      'Argon2id with 2^32-1 passes',
      part({ cost: { memoryKiB: 65_536, passes: 4_294_967_295, lanes: 4 } }),
    ],
    ['cost-lanes', 'bound', 'Argon2id with nine lanes', part({ cost: { memoryKiB: 65_536, passes: 3, lanes: 9 } })],
    ['vault-key-small', 'key', 'a vault key of small order', part({ vaultKey: small })],
    ['vault-key-zero', 'key', 'a vault key of zeros', part({ vaultKey: new Uint8Array(32) })],
    [
      'shares-less',
      'context',
      'a share is missing',
      core((c) => ({ epochPart: { ...c.epochPart!, shares: c.epochPart!.shares.slice(1) } })),
    ],
    [
      'shares-more',
      'context',
      'a share is too many',
      core((c) => ({ epochPart: { ...c.epochPart!, shares: [...c.epochPart!.shares, c.epochPart!.shares[0]!] } })),
    ],
    ['no-link', 'context', 'no mesh link', part({ linkHash: null })],
    ['no-kek-link', 'context', 'no KEK link', part({ kekLink: null })],
  ];
  function holders(change: (holders: readonly Holder[]) => Holder[]): Options {
    return core((c) => ({ holders: change(c.holders) }));
  }
  for (const [name, layer, why, lies] of cores) await lie(`core-${name}`, layer, why, enroll, lies);
  await lie(
    'core-policy-epoch',
    'epoch',
    'a new name with a new epoch number',
    { kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] },
    core(() => ({ epoch: 1 }), {}),
  );
  const rotated = (await r.next(rotate)).entry.core.epochPart;
  await lie(
    'core-policy-part',
    'epoch',
    'a new name with an epoch part',
    { kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] },
    core(() => ({ epochPart: rotated }), {}),
  );
  await lie(
    'core-policy-unlock',
    'context',
    'another device may keep its session than was asked',
    { kind: 'policy', unlockDevices: [laptop.holder.id] },
    core(() => ({ unlockDevices: [phone.holder.id] }), {}),
  );
  await lie(
    'core-policy-key',
    'context',
    'a new name with a new receive key',
    { kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] },
    core((c) => ({ holders: [{ ...c.holders[0]!, receiveKey: publicKey }, ...c.holders.slice(1)] }), {}),
  );
  await lie(
    'core-name-not-given',
    'context',
    'a name that was asked for is not given',
    { kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] },
    core((c) => ({ holders: c.holders.map((h) => (h.name === 'x' ? { ...h, name: phone.holder.name } : h)) }), {}),
  );

  // Signatures over the core.
  await lie('dealer-other', 'signature', 'signed by another device', enroll, { ...entering, dealerSeed: phone.seed });
  await lie('vault-other', 'signature', 'the vault signature under another key', enroll, {
    ...entering,
    vaultSeed: phone.seed,
  });
  const good = (await r.next(enroll, entering)).entry;
  const bytes = encodeCore(good.core);
  const other = (await r.next(rotate)).entry;
  const signatures: [string, Bytes, Bytes, string][] = [
    ['dealer-bit', flip(good.dealerSignature, 40), good.vaultSignature, 'a bit of the dealer’s signature is flipped'],
    ['vault-bit', good.dealerSignature, flip(good.vaultSignature, 40), 'a bit of the vault signature is flipped'],
    ['swapped', good.vaultSignature, good.dealerSignature, 'the two signatures are swapped'],
    ['dealer-zero', new Uint8Array(64), good.vaultSignature, 'a dealer’s signature of zeros'],
    ['vault-zero', good.dealerSignature, new Uint8Array(64), 'a vault signature of zeros'],
    ['dealer-twice', good.dealerSignature, good.dealerSignature, 'the dealer’s signature in place of the vault’s'],
    ['dealer-replayed', other.dealerSignature, good.vaultSignature, 'the dealer’s signature of another entry'],
    ['vault-replayed', good.dealerSignature, other.vaultSignature, 'the vault signature of another entry'],
  ];
  for (const [name, dealer, vault, why] of signatures)
    await m.fail(
      `signature-${name}`,
      'entry-valid',
      { before, entry: encodeEntry(bytes, dealer, vault) },
      'signature',
      why,
    );
  await m.fail(
    'time-changed',
    'entry-valid',
    { before, entry: encodeEntry(encodeCore({ ...good.core, time: 9 }), good.dealerSignature, good.vaultSignature) },
    'signature',
    'the time was changed after signing',
  );

  // Promises.
  const promised = (change: Lies['promises']): Options => ({ promises: change! });
  const byStranger = (first: Parameters<typeof signPromise>[3]) =>
    signPromise(pid, voter(stranger), place, { ...first, nextKey: publicKey });
  const promises: [string, Refusal, string, Options][] = [
    ['few', 'approval', 'one promise of two', promised((all) => all.slice(1))],
    ['none', 'approval', 'no promise', promised(() => [])],
    ['twice', 'approval', 'one holder twice', promised(([a]) => [a!, a!])],
    ['stranger', 'approval', 'a promise by nobody', promised(([a]) => [a!, byStranger(a!)])],
    [
      'round',
      'approval',
      'promises of another round',
      { promise: (p) => ({ ...p, ballot: { ...p.ballot, round: 2 } }) },
    ],
    [
      'initiator',
      'approval',
      'promises for another initiator',
      { promise: (p) => ({ ...p, ballot: { ...p.ballot, initiator: phone.holder.id } }) },
    ],
    [
      'last',
      'approval',
      'a promise that reports something',
      {
        promise: (p, actor) =>
          actor === phone ? { ...p, last: { ballot: { round: 0, initiator: phone.holder.id }, entry: row(1) } } : p,
      },
    ],
    ['no-key', 'approval', 'a device without a next key', { promise: (p) => ({ ...p, nextKey: null }) }],
    [
      'kit-key',
      'approval',
      'a kit with a next key',
      { ...byKit, promise: (p, actor) => (actor === kit ? { ...p, nextKey: receiveKey(r.random).publicKey } : p) },
    ],
    [
      'changed',
      'signature',
      'the next key was changed after signing',
      promised(([a, b]) => [a!, { ...b!, nextKey: publicKey }]),
    ],
    [
      'bit',
      'signature',
      'a bit of a promise’s signature is flipped',
      promised(([a, b]) => [a!, { ...b!, signature: flip(b!.signature, 40) }]),
    ],
    [
      'other-slot',
      'signature',
      'a promise for another slot',
      promised(([a, b]) => [a!, signPromise(pid, voter(phone), { ...place, slot: 2 }, b!)]),
    ],
    [
      'other-prev',
      'signature',
      'a promise after another entry',
      promised(([a, b]) => [a!, signPromise(pid, voter(phone), { ...place, prev: pid }, b!)]),
    ],
    [
      'other-pid',
      'signature',
      'a promise in another passport',
      promised(([a, b]) => [a!, signPromise(row(1), voter(phone), place, b!)]),
    ],
    [
      'other-holder',
      'signature',
      'the promise of one holder in the name of another',
      promised(([a, b]) => [a!, { ...b!, holder: kit.holder.id, nextKey: null }]),
    ],
    [
      'key-back',
      'key',
      'a next key that was a holder’s',
      { promise: (p, actor) => (actor === phone ? { ...p, nextKey: kit.holder.receiveKey } : p) },
    ],
    [
      'key-own',
      'key',
      'the receive key of before as next key',
      { promise: (p, actor) => (actor === phone ? { ...p, nextKey: phone.holder.receiveKey } : p) },
    ],
    ['key-low', 'key', 'a next key of low order', lowKey(phone, new Uint8Array(32))],
    ['key-small', 'key', 'a next key of low order', lowKey(phone, small)],
    ['key-twice', 'key', 'one next key for two devices', { promise: (p) => ({ ...p, nextKey: publicKey }) }],
    [
      'heads',
      'approval',
      'heads of a device that stays',
      { promise: (p) => ({ ...p, heads: [{ device: phone.holder.id, heads: [] }] }) },
    ],
  ];
  for (const [name, layer, why, lies] of promises) await lie(`promise-${name}`, layer, why, rotate, lies);

  // The cut.
  const head = r.headOf(phone);
  const cut = (...heads: { header: Bytes; signature: Bytes }[]): Options => ({ ...byKit, heads: stated(...heads) });
  const fields = decode(head.header) as Value[];
  const signedBy = (actor: Actor) => r.headOf({ ...phone, seed: actor.seed });
  const cuts: [string, Refusal, string, Options][] = [
    ['none', 'approval', 'no list for a device that leaves', { ...byKit, promise: (p) => ({ ...p, heads: [] }) }],
    [
      'more',
      'approval',
      'a list for a device that stays',
      { ...byKit, promise: (p) => ({ ...p, heads: [...p.heads, { device: laptop.holder.id, heads: [] }] }) },
    ],
    [
      'twice',
      'approval',
      'two lists for one device',
      { ...byKit, promise: (p) => ({ ...p, heads: [...p.heads, ...p.heads] }) },
    ],
    [
      'kit',
      'approval',
      'a list for the kit in place of the device',
      { ...byKit, promise: (p) => ({ ...p, heads: [{ device: kit.holder.id, heads: [] }] }) },
    ],
    [
      'one-voter',
      'approval',
      'only one of two promises has the list',
      { ...byKit, promise: (p, actor) => (actor === kit ? { ...p, heads: [] } : p) },
    ],
    ['other-device', 'context', 'a head of another device', cut(r.headOf(laptop))],
    [
      'signature',
      'signature',
      'a head with the signature of another',
      cut({ ...head, signature: r.headOf(phone, 6).signature }),
    ],
    ['by-other', 'signature', 'a head that another device signed', cut(signedBy(laptop))],
    [
      'bit',
      'signature',
      'a bit of a head’s signature is flipped',
      cut({ ...head, signature: flip(head.signature, 3) }),
    ],
    ['no-header', 'parse', 'a head that is no header', cut({ ...head, header: new Uint8Array(9) })],
    ['header-nine', 'parse', 'a header of nine fields', cut({ ...head, header: encode(fields.slice(0, 9)) })],
    [
      'second',
      'signature',
      'the second head is not signed',
      cut(head, { ...r.headOf(phone, 6), signature: head.signature }),
    ],
  ];
  for (const [name, layer, why, lies] of cuts) await lie(`cut-${name}`, layer, why, revoke, lies);

  // Approvals.
  const ofOther = (change: Change, actor = phone, state: RegistryState = r.state): Options => ({
    ...entering,
    approvals: ([first]) => {
      const asked = r.request({ ...enroll, ...change });
      return [
        first!,
        {
          holder: actor.holder.id,
          signature: signApproval(state, voter(actor), asked, requestHash(pid, encodeRequest(asked))),
        },
      ];
    },
  });
  const approvals: [string, Refusal, string, Options][] = [
    ['few', 'approval', 'one approval of two', { ...entering, approvals: (all) => all.slice(1) }],
    ['none', 'approval', 'no approval', { ...entering, approvals: () => [] }],
    ['twice', 'approval', 'one holder twice', { ...entering, approvals: ([a]) => [a!, a!] }],
    [
      'stranger',
      'approval',
      'an approval by nobody',
      { ...entering, approvals: ([a, b]) => [a!, { ...b!, holder: stranger.holder.id }] },
    ],
    [
      'newcomer',
      'approval',
      'an approval by who enters',
      { ...entering, approvals: ([a, b]) => [a!, { ...b!, holder: fresh.holder.id }] },
    ],
    [
      'third-bad',
      'signature',
      'a third approval that is not signed',
      { ...entering, approvals: ([a, b]) => [a!, b!, { holder: kit.holder.id, signature: new Uint8Array(64) }] },
    ],
    [
      'other-name',
      'signature',
      'the approval of one holder in the name of another',
      { ...entering, approvals: ([a, b]) => [a!, { holder: kit.holder.id, signature: b!.signature }] },
    ],
    [
      'bit',
      'signature',
      'a bit of an approval is flipped',
      { ...entering, approvals: ([a, b]) => [a!, { ...b!, signature: flip(b!.signature, 40) }] },
    ],
    ['other-request', 'signature', 'of another request with the same body', ofOther({})],
    ['other-kind', 'signature', 'of another kind', ofOther({ kind: 'rotate', enters: [], leaves: [] })],
    [
      'other-dealer',
      'signature',
      'of another initiator',
      ofOther({ initiator: { id: phone.holder.id, signKey: phone.holder.signKey } }),
    ],
    ['other-threshold', 'signature', 'of another N', ofOther({ threshold: 3 })],
    ['other-newcomer', 'signature', 'of another newcomer', ofOther({ enters: [stranger.holder] })],
    ['other-leaves', 'signature', 'of another one that leaves', ofOther({ leaves: [phone.holder.id] })],
    ['other-epoch', 'signature', 'in another epoch', ofOther({}, phone, { ...r.state, epoch: 1 })],
    ['other-pid', 'signature', 'in another passport', ofOther({}, phone, { ...r.state, pid: row(1) })],
  ];
  for (const [name, layer, why, lies] of approvals) await lie(`approval-${name}`, layer, why, enroll, lies);

  // Roles.
  const transcript = new Uint8Array(32).fill(9);
  const role = (at: { slot: number; prev: Bytes }, keys: Holder = fresh.holder, actor = fresh, p = pid): Options => ({
    ...entering,
    roles: () => [{ holder: fresh.holder.id, transcript, signature: signRole(p, actor.seed, at, keys, transcript) }],
  });
  const roles: [string, Refusal, string, Options][] = [
    ['none', 'approval', 'no role', { ...entering, roles: () => [] }],
    ['twice', 'approval', 'a role twice', { ...entering, roles: ([a]) => [a!, a!] }],
    [
      'other-holder',
      'signature',
      'the role of somebody else',
      { ...entering, roles: ([a]) => [{ ...a!, holder: phone.holder.id }] },
    ],
    [
      'transcript',
      'signature',
      'another transcript',
      { ...entering, roles: ([a]) => [{ ...a!, transcript: new Uint8Array(32) }] },
    ],
    [
      'bit',
      'signature',
      'a bit of the signature is flipped',
      { ...entering, roles: ([a]) => [{ ...a!, signature: flip(a!.signature, 40) }] },
    ],
    ['slot', 'signature', 'for another slot', role({ ...place, slot: 2 })],
    ['prev', 'signature', 'after another entry', role({ ...place, prev: pid })],
    ['receive-key', 'signature', 'with another receive key', role(place, { ...fresh.holder, receiveKey: publicKey })],
    ['by-other', 'signature', 'signed by somebody else', role(place, fresh.holder, phone)],
    ['pid', 'signature', 'in another passport', role(place, fresh.holder, fresh, row(1))],
  ];
  for (const [name, layer, why, lies] of roles) await lie(`role-${name}`, layer, why, enroll, lies);
  await lie('role-nobody-enters', 'approval', 'a role where nobody enters', rotate, { roles: role(place).roles! });

  await entryForms(m, before, good);
  await possibleRequests(m, r, { laptop, phone, kit, fresh, stranger }, before);
  await foundings(m, r);
  return m;
}

/** A next key to which nothing can be sealed: the dealer sealed to the key of before. */
function lowKey(phone: Actor, key: Bytes): Options {
  return {
    promise: (p, actor) => (actor === phone ? { ...p, nextKey: key } : p),
    terms: (terms) => ({
      ...terms,
      holders: terms.holders.map((h) => (equal(h.id, phone.holder.id) ? phone.holder : h)),
    }),
  };
}
