/** VALID(E) rule by rule: an honest entry stands, and each single lie in it is refused by the rule that names it. */
import { beforeAll, describe, expect, it } from 'vitest';

import { type Bytes, equal } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { holderId } from '../../src/crypto/keys.ts';
import { signingKey, signStatement } from '../../src/crypto/sign.ts';
import { isPassportError } from '../../src/errors.ts';
import {
  type ChangeRequest,
  type EntryCore,
  encodeRequest,
  type Holder,
  requestHash,
  type VotePromise,
} from '../../src/format/entry.ts';
import { placeAfter, signAccept, signApproval, signPromise, signRole } from '../../src/registry/messages.ts';
import { cutOf, holdersOf } from '../../src/registry/state.ts';
import {
  checkAttachments,
  checkCertificate,
  checkEntry,
  checkFounding,
  checkFoundingCertificate,
  checkRequest,
  isBirthPromise,
  isHolderName,
} from '../../src/registry/valid.ts';
import { type Actor, type Lies, type Made, Registry, voter } from '../helpers/registry.ts';

/** Which rule refuses; 'stands' when none does. */
async function verdict(check: () => void | Promise<void>): Promise<string> {
  try {
    await check();
    return 'stands';
  } catch (error) {
    if (isPassportError(error, 'entry-invalid')) return error.message.replace('a registry entry breaks a rule: ', '');
    if (isPassportError(error)) return error.code;
    throw error;
  }
}

const flip = (bytes: Bytes): Bytes => bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte));

interface Case {
  readonly change?: Partial<ChangeRequest>;
  readonly lies?: Lies & {
    voters?: readonly Actor[];
    entering?: readonly Actor[];
    heads?: (device: Holder) => { device: Bytes; heads: { header: Bytes; signature: Bytes }[] };
  };
}

let registry: Registry;
/** Laptop and phone are devices, the third is a kit; 2 of 3, epoch 0. */
let laptop: Actor;
let phone: Actor;
let kit: Actor;
let fresh: Actor;
let stranger: Actor;

beforeAll(async () => {
  registry = await Registry.found('valid');
  [laptop, phone, kit] = [registry.actor(0), registry.actor(1), registry.actor(2)];
  fresh = registry.fresh('tablet');
  stranger = registry.fresh('stranger');
});

/** Somebody comes in for the kit. */
const enroll = (): Case => ({
  change: { enters: [fresh.holder], leaves: [kit.holder.id] },
  lies: { entering: [fresh] },
});

const check = async ({ change = {}, lies = {} }: Case): Promise<string> => {
  const { entry } = await registry.next(change, lies);
  return verdict(() => checkEntry(registry.state, entry));
};

const withCore = (core: (core: EntryCore) => EntryCore, base = enroll()): Case => ({
  ...base,
  lies: { ...base.lies, core },
});

describe('an honest entry stands', () => {
  it.each<[string, () => Case]>([
    ['a device in the place of a kit', enroll],
    [
      'a device leaves, with a kit in its place',
      () => {
        const paper = registry.fresh('paper', 'kit');
        const heads = (device: Holder) => ({ device: device.id, heads: [registry.headOf(phone)] });
        return {
          change: { enters: [paper.holder], leaves: [phone.holder.id] },
          lies: { entering: [paper], heads, voters: [laptop, kit] },
        };
      },
    ],
    ['nobody comes and goes, another threshold', () => ({ change: { threshold: 3 } })],
    [
      'a new passphrase, with salt and cost of its own',
      () => ({
        change: { kind: 'passphrase' },
        lies: {
          terms: (terms) => ({
            ...terms,
            salt: registry.random(32),
            cost: { memoryKiB: 131_072, passes: 2, lanes: 1 },
          }),
        },
      }),
    ],
    ['new keys for all', () => ({ change: { kind: 'rotate' } })],
    ['a name', () => ({ change: { kind: 'policy', names: [{ id: phone.holder.id, name: 'pocket' }] } })],
    ['a device that may keep its session', () => ({ change: { kind: 'policy', unlockDevices: [laptop.holder.id] } })],
    ['approved and promised by all', () => ({ change: { threshold: 3 }, lies: { voters: [laptop, phone, kit] } })],
    [
      'with the vote of the kit that leaves',
      () => ({ ...enroll(), lies: { ...enroll().lies, voters: [laptop, kit] } }),
    ],
  ])('%s', async (_, make) => {
    expect(await check(make())).toBe('stands');
  });

  it('and so does one whose promises are in another order', async () => {
    expect(await check({ ...enroll(), lies: { ...enroll().lies, promises: (all) => [...all].reverse() } })).toBe(
      'stands',
    );
  });
});

describe('where it stands', () => {
  it.each<[string, (core: EntryCore) => EntryCore]>([
    ['of another passport', (core) => ({ ...core, pid: flip(core.pid) })],
    ['in the slot before', (core) => ({ ...core, slot: 0 })],
    ['in the slot after', (core) => ({ ...core, slot: 2 })],
    ['after another entry', (core) => ({ ...core, prev: flip(core.prev) })],
  ])('%s: it follows another entry', async (_, core) => {
    expect(await check(withCore(core))).toBe('it follows another entry');
  });

  it('in a ballot of another initiator', async () => {
    const core = (c: EntryCore) => ({ ...c, birth: { ...c.birth, initiator: phone.holder.id } });
    expect(await check(withCore(core))).toBe('the birth ballot is another initiator’s');
  });
});

describe('what is asked', () => {
  const asks = (request: (request: ChangeRequest) => ChangeRequest): Promise<string> =>
    verdict(() =>
      checkRequest(registry.state, request(registry.request({ enters: [fresh.holder], leaves: [kit.holder.id] }))),
    );
  const enters = (holder: Partial<Holder>) => (r: ChangeRequest) => ({
    ...r,
    enters: [{ ...fresh.holder, ...holder }],
  });

  it.each<[string, string, (request: ChangeRequest) => ChangeRequest]>([
    ['who leaves twice', 'who leaves is a holder, once', (r) => ({ ...r, leaves: [kit.holder.id, kit.holder.id] })],
    ['who leaves was never there', 'who leaves is a holder, once', (r) => ({ ...r, leaves: [stranger.holder.id] })],
    ['a seat that was used', 'a seat is never used again', (r) => enters({ seat: 3 })(r)],
    [
      'one newcomer twice',
      'a seat is never used again',
      (r) => ({ ...r, enters: [fresh.holder, { ...fresh.holder, seat: 9 }] }),
    ],
    [
      'one seat for two',
      'two new holders share a seat',
      (r) => ({ ...r, enters: [fresh.holder, { ...stranger.holder, seat: fresh.holder.seat }] }),
    ],
    ['one of three', 'the policy is not 2 <= N <= M <= 32 and 2N > M', (r) => ({ ...r, threshold: 1 })],
    ['four of three', 'the policy is not 2 <= N <= M <= 32 and 2N > M', (r) => ({ ...r, threshold: 4 })],
    ['two of four: no majority', 'the policy is not 2 <= N <= M <= 32 and 2N > M', (r) => ({ ...r, leaves: [] })],
    [
      'a passphrase change that lets go',
      'only a change of holders changes holders or the threshold',
      (r) => ({ ...r, kind: 'passphrase' }),
    ],
    [
      'a policy with another threshold',
      'only a change of holders changes holders or the threshold',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], threshold: 3 }),
    ],
    [
      'a change of holders with a name',
      'only a policy changes names',
      (r) => ({ ...r, names: [{ id: phone.holder.id, name: 'x' }] }),
    ],
    [
      'a change of holders that lets a session stay',
      'only a policy changes names',
      (r) => ({ ...r, unlockDevices: [phone.holder.id] }),
    ],
    [
      'a name for nobody',
      'a name cannot be given',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], names: [{ id: stranger.holder.id, name: 'x' }] }),
    ],
    [
      'a name that turns the text',
      'a name cannot be given',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], names: [{ id: phone.holder.id, name: 'a\u202eb' }] }),
    ],
    [
      'two names for one holder',
      'a name cannot be given',
      (r) => ({
        ...r,
        kind: 'policy',
        enters: [],
        leaves: [],
        names: ['x', 'y'].map((name) => ({ id: phone.holder.id, name })),
      }),
    ],
    [
      'a session for one device twice',
      'only devices may keep a session',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], unlockDevices: [phone.holder.id, phone.holder.id] }),
    ],
    [
      'a session for a kit',
      'only devices may keep a session',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], unlockDevices: [kit.holder.id] }),
    ],
    [
      'a session for a stranger',
      'only devices may keep a session',
      (r) => ({ ...r, kind: 'policy', enters: [], leaves: [], unlockDevices: [stranger.holder.id] }),
    ],
    [
      'asked by who leaves',
      'the initiator is a device after the change',
      (r) => ({ ...r, leaves: [laptop.holder.id] }),
    ],
    [
      'asked by a kit',
      'the initiator is a device after the change',
      (r) => ({ ...r, leaves: [], threshold: 3, initiator: { id: kit.holder.id, signKey: kit.holder.signKey } }),
    ],
    [
      'asked by a stranger',
      'the initiator is a device after the change',
      (r) => ({ ...r, initiator: { id: stranger.holder.id, signKey: stranger.holder.signKey } }),
    ],
    [
      'asked under another key',
      'the initiator is a device after the change',
      (r) => ({ ...r, initiator: { ...r.initiator, signKey: phone.holder.signKey } }),
    ],
    ['a newcomer without a name that can be shown', 'a name cannot be shown', enters({ name: ' tablet' })],
    [
      'a newcomer under another id',
      'a holder id does not belong to its key',
      (r) => enters({ id: flip(fresh.holder.id) })(r),
    ],
    [
      'a newcomer whose two keys are one',
      'two keys of new holders are equal',
      (r) => enters({ receiveKey: fresh.holder.signKey })(r),
    ],
    [
      'two newcomers with one receive key',
      'two keys of new holders are equal',
      (r) => ({
        ...r,
        threshold: 3,
        enters: [fresh.holder, { ...stranger.holder, seat: 9, receiveKey: fresh.holder.receiveKey }],
      }),
    ],
    [
      'a signing key that was a holder’s',
      'a key was a holder’s before',
      (r) => enters({ signKey: phone.holder.signKey, id: phone.holder.id })(r),
    ],
    [
      'a receive key that was a holder’s',
      'a key was a holder’s before',
      (r) => enters({ receiveKey: kit.holder.receiveKey })(r),
    ],
    [
      'a signing key of small order',
      'a signing key is not acceptable',
      (r) => {
        const signKey = new Uint8Array(32).fill(0, 1);
        signKey[0] = 1;
        return enters({ signKey, id: holderId(registry.pid, signKey) })(r);
      },
    ],
    ['a receive key of low order', 'a receive key is not acceptable', enters({ receiveKey: new Uint8Array(32) })],
    [
      'a receive key that is not canonical',
      'a receive key is not acceptable',
      (r) => enters({ receiveKey: fresh.holder.receiveKey.map((b, i) => (i === 31 ? b | 0x80 : b)) })(r),
    ],
  ])('%s: %s', async (_, rule, request) => {
    expect(await asks(request)).toBe(rule);
  });

  it('is possible in its honest form, and refused in an entry for the same reasons', async () => {
    expect(await asks((request) => request)).toBe('stands');
    expect(await check({ change: { enters: [fresh.holder] }, lies: { entering: [fresh] } })).toBe(
      'the policy is not 2 <= N <= M <= 32 and 2N > M',
    );
  });

  it('never brings a key back: neither of who left, nor one that a staying device had once', async () => {
    const other = await Registry.found('keys that come back');
    const first = other.fresh('first');
    other.decide(
      await other.next({ enters: [first.holder], leaves: [other.actor(2).holder.id] }, { entering: [first] }),
      [first],
    );
    const gone = other.actor(2).holder;
    const seat = 9;
    for (const holder of [
      { ...first.holder, seat, id: gone.id, signKey: gone.signKey },
      { ...other.fresh('x').holder, seat, receiveKey: gone.receiveKey },
      { ...other.fresh('x').holder, seat, receiveKey: other.actor(0).holder.receiveKey },
    ]) {
      const request = other.request({ enters: [holder], leaves: [first.holder.id] });
      expect(await verdict(() => checkRequest(other.state, request))).toBe('a key was a holder’s before');
    }
  });
});

describe('the promises of its birth', () => {
  const promises = (change: (all: VotePromise[]) => VotePromise[]): Case => ({
    change: { kind: 'rotate' },
    lies: { promises: change },
  });
  it.each<[string, string, () => Case]>([
    ['too few', 'too few promises of birth', () => promises((all) => all.slice(0, 1))],
    ['one holder twice', 'too few promises of birth', () => promises(([first]) => [first!, first!])],
    [
      'by a stranger',
      'a promise by somebody who is no holder',
      () =>
        promises(([first]) => [
          first!,
          signPromise(registry.pid, voter(stranger), placeAfter(registry.state), {
            ...first!,
            nextKey: receiveKey(registry.random).publicKey,
          }),
        ]),
    ],
    [
      'for another round',
      'a promise of another ballot than birth',
      () => ({
        change: { kind: 'rotate' },
        lies: { promise: (p) => ({ ...p, ballot: { ...p.ballot, round: 2 } }) },
      }),
    ],
    [
      'for another initiator',
      'a promise of another ballot than birth',
      () => ({
        change: { kind: 'rotate' },
        lies: { promise: (p) => ({ ...p, ballot: { ...p.ballot, initiator: phone.holder.id } }) },
      }),
    ],
    [
      'that reports something accepted',
      'a promise of another ballot than birth',
      () => ({
        change: { kind: 'rotate' },
        lies: {
          promise: (p) => ({
            ...p,
            last: { ballot: { round: 0, initiator: phone.holder.id }, entry: registry.random(32) },
          }),
        },
      }),
    ],
    [
      'of a device without a next key',
      'devices give a next receive key, kits do not',
      () => ({
        change: { kind: 'rotate' },
        lies: { promise: (p) => ({ ...p, nextKey: null }) },
      }),
    ],
    [
      'of a kit with a next key',
      'devices give a next receive key, kits do not',
      () => ({
        change: { kind: 'rotate' },
        lies: { voters: [laptop, kit], promise: (p) => ({ ...p, nextKey: receiveKey(registry.random).publicKey }) },
      }),
    ],
    [
      'changed after it was signed',
      'a promise is not signed by its holder',
      () => promises(([first, second]) => [first!, { ...second!, nextKey: receiveKey(registry.random).publicKey }]),
    ],
    [
      'signed for another slot',
      'a promise is not signed by its holder',
      () =>
        promises(([first, second]) => [
          first!,
          signPromise(registry.pid, voter(phone), { slot: 2, prev: placeAfter(registry.state).prev }, second!),
        ]),
    ],
    [
      'signed after another head',
      'a promise is not signed by its holder',
      () =>
        promises(([first, second]) => [
          first!,
          signPromise(registry.pid, voter(phone), { slot: 1, prev: registry.pid }, second!),
        ]),
    ],
    [
      'with a key that was a holder’s',
      'a receive key comes back',
      () => ({
        change: { kind: 'rotate' },
        lies: { promise: (p, actor) => (actor === phone ? { ...p, nextKey: kit.holder.receiveKey } : p) },
      }),
    ],
    [
      'with a key of low order',
      'a receive key is not acceptable',
      () => ({
        change: { kind: 'rotate' },
        lies: {
          promise: (p, actor) => (actor === phone ? { ...p, nextKey: new Uint8Array(32) } : p),
          terms: (terms) => ({
            ...terms,
            holders: terms.holders.map((h) => (equal(h.id, phone.holder.id) ? phone.holder : h)),
          }),
        },
      }),
    ],
    [
      'with one key for two devices',
      'two holders share a key',
      () => {
        const { publicKey } = receiveKey(registry.random);
        return { change: { kind: 'rotate' }, lies: { promise: (p) => ({ ...p, nextKey: publicKey }) } };
      },
    ],
  ])('%s: %s', async (_, rule, make) => {
    expect(await check(make())).toBe(rule);
  });
});

describe('the cut', () => {
  const revoke = (lies: Case['lies'] = {}): Case => ({
    change: { leaves: [phone.holder.id] },
    lies: { voters: [laptop, kit], ...lies },
  });
  const stated = (heads: { header: Bytes; signature: Bytes }[]) =>
    revoke({ heads: (device) => ({ device: device.id, heads }) });

  it('is stated for exactly the devices that leave', async () => {
    const none = revoke({ promise: (p) => ({ ...p, heads: [] }) });
    const rule = 'a promise states the heads of exactly the leaving devices';
    expect(await check(none)).toBe(rule);
    expect(
      await check(revoke({ promise: (p) => ({ ...p, heads: [...p.heads, { device: laptop.holder.id, heads: [] }] }) })),
    ).toBe(rule);
    expect(await check(revoke({ promise: (p) => ({ ...p, heads: [{ device: laptop.holder.id, heads: [] }] }) }))).toBe(
      rule,
    );
    expect(await check(revoke({ promise: (p) => ({ ...p, heads: [...p.heads, ...p.heads] }) }))).toBe(rule);
    expect(
      await check({
        change: { kind: 'rotate' },
        lies: { promise: (p) => ({ ...p, heads: [{ device: phone.holder.id, heads: [] }] }) },
      }),
    ).toBe(rule);
  });

  it('names commits of the leaving device, signed by it', async () => {
    expect(await check(stated([registry.headOf(phone), registry.headOf(phone, 6)]))).toBe('stands');
    expect(await check(stated([registry.headOf(laptop)]))).toBe('a stated head is by another device');
    const forged = { ...registry.headOf(phone), signature: registry.headOf(phone, 6).signature };
    expect(await check(stated([forged]))).toBe('a stated head is not signed by its author');
    const byOther = registry.headOf({ ...phone, seed: laptop.seed });
    expect(await check(stated([byOther]))).toBe('a stated head is not signed by its author');
    expect(await check(stated([{ ...registry.headOf(phone), header: new Uint8Array(9) }]))).toBe('malformed');
  });

  it('needs the word of one that stays', async () => {
    const other = await Registry.found('all leave', { kinds: ['device', 'device', 'device'], threshold: 2 });
    const paper = [other.fresh('p', 'kit', 4), other.fresh('q', 'kit', 5)];
    const made = await other.next(
      { leaves: [other.actor(1).holder.id, other.actor(2).holder.id], enters: paper.map(({ holder }) => holder) },
      { entering: paper, voters: [other.actor(1), other.actor(2)] },
    );
    expect(await verdict(() => checkEntry(other.state, made.entry))).toBe('no staying holder stated a cut');
  });

  it('is the union of what staying holders state, and nothing that a leaving one states', async () => {
    const heads = [registry.headOf(phone, 1), registry.headOf(phone, 2), registry.headOf(phone, 3)] as const;
    const { entry } = await registry.next(
      { leaves: [phone.holder.id] },
      {
        voters: [laptop, phone, kit],
        promise: (p, actor) => {
          const own = {
            [laptop.holder.name]: [heads[0], heads[1]],
            [kit.holder.name]: [heads[1]],
            [phone.holder.name]: [heads[2]],
          };
          return {
            ...p,
            heads: [
              {
                device: phone.holder.id,
                heads: own[actor.holder.name]!.map(({ header, signature }) => ({ header, signature })),
              },
            ],
          };
        },
      },
    );
    expect(await verdict(() => checkEntry(registry.state, entry))).toBe('stands');
    const cut = cutOf(registry.pid, phone.holder.id, [phone.holder.id], entry.core.promises);
    expect(cut).toEqual([heads[0].id, heads[1].id]);
  });

  it('for a promise by itself: an initiator can tell a good one from one that would spoil its entry', async () => {
    const request = registry.request({ leaves: [phone.holder.id] });
    const ballot = { round: 1, initiator: laptop.holder.id };
    const good = {
      ...{ ballot, last: null, nextKey: receiveKey(registry.random).publicKey },
      heads: [{ device: phone.holder.id, heads: [] }],
    };
    const of = (actor: Actor, change: Partial<typeof good> = {}) =>
      isBirthPromise(
        registry.state,
        request,
        ballot,
        signPromise(registry.pid, voter(actor), placeAfter(registry.state), { ...good, ...change }),
      );
    expect(await of(laptop)).toBe(true);
    expect(await of(phone)).toBe(true); // who leaves may promise too
    expect(await of(laptop, { heads: [] })).toBe(false);
    expect(await of(laptop, { nextKey: phone.holder.receiveKey })).toBe(false);
    expect(await of(stranger)).toBe(false);
    // What is no promise at all is a mistake of the caller, not a bad promise.
    const mistake = { ...good, holder: laptop.holder.id, signature: new Uint8Array(64), heads: undefined as never };
    await expect(isBirthPromise(registry.state, request, ballot, mistake)).rejects.toThrow(TypeError);
  });

  it('of two devices is stated for both', async () => {
    const other = await Registry.found('two leave', {
      kinds: ['device', 'device', 'device', 'kit', 'kit'],
      threshold: 3,
    });
    const [first, second] = [other.actor(1).holder.id, other.actor(2).holder.id];
    const judged = async (devices: readonly Bytes[]) => {
      const made = await other.next(
        { leaves: [first, second] },
        {
          voters: [other.actor(0), other.actor(3), other.actor(4)],
          promise: (p) => ({ ...p, heads: devices.map((device) => ({ device, heads: [] })) }),
        },
      );
      return verdict(() => checkEntry(other.state, made.entry));
    };
    expect(await judged([first, second])).toBe('stands');
    expect(await judged([second, first])).toBe('stands');
    for (const devices of [[first, first], [second, second], [first]])
      expect(await judged(devices)).toBe('a promise states the heads of exactly the leaving devices');
  });
});

describe('the approvals', () => {
  /** An approval by the phone of something else than what the entry says. */
  const ofOther = (change: Partial<ChangeRequest>, state = () => registry.state): Case => ({
    ...enroll(),
    lies: {
      ...enroll().lies,
      core: (core) => {
        const other = registry.request({ enters: [fresh.holder], leaves: [kit.holder.id], ...change });
        const bytes = encodeRequest(other);
        const signature = signApproval(state(), voter(phone), other, requestHash(registry.pid, bytes));
        return { ...core, approvals: [core.approvals[0]!, { holder: phone.holder.id, signature }] };
      },
    },
  });

  it.each<[string, string, () => Case]>([
    [
      'too few',
      'too few approvals',
      () => ({ ...enroll(), lies: { ...enroll().lies, approvals: (all) => all.slice(1) } }),
    ],
    [
      'one holder twice',
      'too few approvals',
      () => ({ ...enroll(), lies: { ...enroll().lies, approvals: ([a]) => [a!, a!] } }),
    ],
    [
      'by a stranger',
      'an approval by somebody who is no holder',
      () => ({
        ...enroll(),
        lies: { ...enroll().lies, approvals: ([a, b]) => [a!, { ...b!, holder: stranger.holder.id }] },
      }),
    ],
    [
      'of one holder under another’s name',
      'an approval is of something else',
      () => ({
        ...enroll(),
        lies: { ...enroll().lies, approvals: ([a, b]) => [a!, { holder: kit.holder.id, signature: b!.signature }] },
      }),
    ],
    ['of another request with the same body', 'an approval is of something else', () => ofOther({})],
    ['of another kind', 'an approval is of something else', () => ofOther({ kind: 'rotate', enters: [], leaves: [] })],
    [
      'of another dealer',
      'an approval is of something else',
      () => ofOther({ initiator: { id: phone.holder.id, signKey: phone.holder.signKey } }),
    ],
    ['of another threshold', 'an approval is of something else', () => ofOther({ threshold: 3 })],
    ['of another newcomer', 'an approval is of something else', () => ofOther({ enters: [stranger.holder] })],
    ['of another one that leaves', 'an approval is of something else', () => ofOther({ leaves: [phone.holder.id] })],
  ])('%s: %s', async (_, rule, make) => {
    expect(await check(make())).toBe(rule);
  });

  it('of another slot: an approval cannot be moved to the next one', async () => {
    const other = await Registry.found('moved approval');
    const [a, b] = [other.actor(0), other.actor(1)];
    const request = other.request({ kind: 'rotate' });
    const before = signApproval(other.state, voter(b), request, requestHash(other.pid, encodeRequest(request)));
    other.decide(await other.next({ kind: 'policy', names: [{ id: b.holder.id, name: 'x' }] }));
    const made = await other.next(
      {},
      {
        request: () => request,
        voters: [a, b],
        approvals: ([first]) => [first!, { holder: b.holder.id, signature: before }],
      },
    );
    expect(await verdict(() => checkEntry(other.state, made.entry))).toBe('an approval is of something else');
  });

  it('of another passport', async () => {
    const other = await Registry.found('another passport');
    const request = registry.request({ kind: 'rotate' });
    const signature = signApproval(
      other.state,
      voter(phone),
      request,
      requestHash(registry.pid, encodeRequest(request)),
    );
    const lies = {
      request: () => request,
      approvals: ([a]: { holder: Bytes; signature: Bytes }[]) => [a!, { holder: phone.holder.id, signature }],
    };
    expect(await check({ lies })).toBe('an approval is of something else');
  });
});

describe('the roles', () => {
  const roles = (change: NonNullable<Lies['roles']>): Case => ({
    ...enroll(),
    lies: { ...enroll().lies, roles: change },
  });
  const role =
    (place: { slot: number; prev: Bytes }, keys: Holder, actor = fresh) =>
    () => {
      const transcript = new Uint8Array(32).fill(9);
      return [
        { holder: fresh.holder.id, transcript, signature: signRole(registry.pid, actor.seed, place, keys, transcript) },
      ];
    };

  it.each<[string, string, () => Case]>([
    ['none', 'each new holder accepts its role once', () => roles(() => [])],
    ['twice', 'each new holder accepts its role once', () => roles(([r]) => [r!, r!])],
    [
      'of somebody else',
      'a new holder has not accepted its role here',
      () => roles(([r]) => [{ ...r!, holder: phone.holder.id }]),
    ],
    [
      'over another transcript',
      'a new holder has not accepted its role here',
      () => roles(([r]) => [{ ...r!, transcript: new Uint8Array(32) }]),
    ],
    [
      'in another slot',
      'a new holder has not accepted its role here',
      () => roles(role({ ...placeAfter(registry.state), slot: 2 }, fresh.holder)),
    ],
    [
      'after another head',
      'a new holder has not accepted its role here',
      () => roles(role({ slot: 1, prev: registry.pid }, fresh.holder)),
    ],
    [
      'with another receive key',
      'a new holder has not accepted its role here',
      () => roles(role(placeAfter(registry.state), { ...fresh.holder, receiveKey: kit.holder.receiveKey })),
    ],
    [
      'signed by somebody else',
      'a new holder has not accepted its role here',
      () => roles(role(placeAfter(registry.state), fresh.holder, phone)),
    ],
    [
      'where nobody comes in',
      'each new holder accepts its role once',
      () => ({ change: { kind: 'rotate' }, lies: { roles: role(placeAfter(registry.state), fresh.holder) } }),
    ],
  ])('%s: %s', async (_, rule, make) => {
    expect(await check(make())).toBe(rule);
  });
});

describe('the holders after', () => {
  const rule = 'the holders after are not those before with this change';
  const changed = (change: (holders: readonly Holder[]) => Holder[]) =>
    withCore((core) => ({ ...core, holders: change(core.holders) }));

  it.each<[string, (holders: readonly Holder[]) => Holder[]]>([
    ['another name', ([a, ...rest]) => [{ ...a!, name: 'x' }, ...rest]],
    ['another seat', ([a, ...rest]) => [{ ...a!, seat: 77 }, ...rest]],
    ['another kind', ([a, ...rest]) => [{ ...a!, kind: 'kit' }, ...rest]],
    ['another signing key', ([a, ...rest]) => [{ ...a!, signKey: phone.holder.signKey }, ...rest]],
    ['another receive key', ([a, ...rest]) => [{ ...a!, receiveKey: kit.holder.receiveKey }, ...rest]],
    [
      'the receive key of before where a promise gives a new one',
      ([a, ...rest]) => [{ ...a!, receiveKey: laptop.holder.receiveKey }, ...rest],
    ],
    ['another order', (holders) => [...holders].reverse()],
    ['one less', (holders) => holders.slice(1)],
    ['one that leaves still there', (holders) => [...holders, kit.holder]],
  ])('%s', async (_, change) => {
    expect(await check(changed(change))).toMatch(new RegExp(`${rule}|one share for each holder`));
  });

  it('with another threshold than was asked', async () => {
    expect(await check(withCore((core) => ({ ...core, threshold: 3 })))).toBe('the threshold');
  });

  it('a policy keeps the receive keys, whatever the promises offer', async () => {
    const policy: Case = { change: { kind: 'policy', names: [{ id: phone.holder.id, name: 'pocket' }] } };
    expect(await check(policy)).toBe('stands');
    const taken = withCore(
      (core) => ({
        ...core,
        holders: core.holders.map((h) => ({
          ...h,
          receiveKey: core.promises.find((p) => equal(p.holder, h.id))?.nextKey ?? h.receiveKey,
        })),
      }),
      policy,
    );
    expect(await check(taken)).toBe(rule);
  });
});

describe('the epoch', () => {
  it.each<[string, string, (core: EntryCore) => EntryCore]>([
    ['stays where it should grow', 'the epoch', (core) => ({ ...core, epoch: 0 })],
    ['jumps', 'the epoch', (core) => ({ ...core, epoch: 2 })],
    ['has no part', 'an epoch part where an epoch starts, and only there', (core) => ({ ...core, epochPart: null })],
    [
      'has too few shares',
      'one share for each holder',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, shares: core.epochPart!.shares.slice(1) } }),
    ],
    [
      'has no mesh link',
      'a mesh link in every epoch but the first',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, linkHash: null } }),
    ],
    [
      'has no KEK link',
      'a KEK link in every epoch but the first',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, kekLink: null } }),
    ],
    [
      'has a vault key of small order',
      'the vault key is not acceptable',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, vaultKey: new Uint8Array(32) } }),
    ],
    [
      'has another salt',
      'only a new passphrase changes salt and cost',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, salt: new Uint8Array(16).fill(1) } }),
    ],
    [
      'has another cost',
      'only a new passphrase changes salt and cost',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, cost: { memoryKiB: 131_072, passes: 2, lanes: 4 } } }),
    ],
    [
      'has a cost that nobody should pay',
      'parameters-refused',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, cost: { memoryKiB: 1_000_000, passes: 3, lanes: 4 } } }),
    ],
    [
      'has a cost that protects nothing',
      'parameters-refused',
      (core) => ({ ...core, epochPart: { ...core.epochPart!, cost: { memoryKiB: 19_456, passes: 1, lanes: 4 } } }),
    ],
    [
      'lets another device keep a session',
      'the devices that may keep a session',
      (core) => ({ ...core, unlockDevices: [phone.holder.id] }),
    ],
  ])('%s: %s', async (_, rule, core) => {
    expect(await check(withCore(core))).toBe(rule);
  });

  it('leaves the devices that may keep a session as they are, without those that leave', async () => {
    const other = await Registry.found('sessions stay');
    const [mine, gone] = [other.actor(0).holder.id, other.actor(1).holder.id];
    other.decide(await other.next({ kind: 'policy', unlockDevices: [mine, gone] }));
    const judged = async (change: Partial<ChangeRequest>, unlockDevices?: Bytes[]) => {
      const core = (c: EntryCore) => (unlockDevices === undefined ? c : { ...c, unlockDevices });
      const made = await other.next(change, { core, voters: [other.actor(0), other.actor(2)] });
      return [made.entry.core.unlockDevices, await verdict(() => checkEntry(other.state, made.entry))];
    };
    const rule = 'the devices that may keep a session';
    expect(await judged({ kind: 'rotate' })).toEqual([[mine, gone], 'stands']);
    expect(await judged({ kind: 'rotate' }, [])).toEqual([[], rule]);
    expect(await judged({ leaves: [gone] })).toEqual([[mine], 'stands']);
    expect(await judged({ leaves: [gone] }, [mine, gone])).toEqual([[mine, gone], rule]);
    expect(await judged({ kind: 'policy', unlockDevices: [gone] })).toEqual([[gone], 'stands']);
    expect(await judged({ kind: 'policy', unlockDevices: [gone] }, [mine, gone])).toEqual([[mine, gone], rule]);
  });

  it('does not start with a policy', async () => {
    const { dealt } = await registry.next({ kind: 'rotate' });
    const policy: Case = { change: { kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] } };
    expect(await check(withCore((core) => ({ ...core, epochPart: dealt!.part }), policy))).toBe(
      'an epoch part where an epoch starts, and only there',
    );
  });
});

describe('the two signatures', () => {
  it('of the dealer: of nobody else', async () => {
    expect(await check({ ...enroll(), lies: { ...enroll().lies, dealerSeed: phone.seed } })).toBe(
      'the dealer’s signature',
    );
  });

  it('of the vault: of who knows neither N shares nor the passphrase it is not', async () => {
    expect(await check({ ...enroll(), lies: { ...enroll().lies, vaultSeed: signingKey(registry.random).seed } })).toBe(
      'the vault signature',
    );
  });

  it('wrap and link are those that the entry names', async () => {
    const { entry, dealt } = await registry.next({ kind: 'rotate' });
    const none = new Uint8Array(0);
    expect(await verdict(() => checkAttachments(entry, dealt!.wrap, dealt!.link))).toBe('stands');
    for (const [wrap, link] of [
      [dealt!.link, dealt!.wrap],
      [none, none],
      [dealt!.wrap, none],
      [flip(dealt!.wrap), dealt!.link],
    ] as const) {
      expect(await verdict(() => checkAttachments(entry, wrap, link))).toBe('wrap or link are not those of the entry');
    }
    const { founding } = registry;
    expect(await verdict(() => checkAttachments(founding.entry, founding.dealt!.wrap, none))).toBe('stands');
    expect(await verdict(() => checkAttachments(founding.entry, founding.dealt!.wrap, dealt!.link))).toBe(
      'wrap or link are not those of the entry',
    );
    const policy = await registry.next({ kind: 'policy', names: [{ id: phone.holder.id, name: 'x' }] });
    expect(await verdict(() => checkAttachments(policy.entry, dealt!.wrap, dealt!.wrap))).toBe(
      'wrap or link are not those of the entry',
    );
    expect(await verdict(() => checkAttachments(policy.entry, none, none))).toBe('stands');
    expect(await verdict(() => checkAttachments(policy.entry, dealt!.wrap, none))).toBe(
      'wrap or link are not those of the entry',
    );
  });
});

describe('a certificate', () => {
  let made: Made;
  const certify = (change: (accepts: Made['certificate']['accepts']) => Made['certificate']['accepts']) =>
    verdict(() =>
      checkCertificate(registry.state, made.entry, { ...made.certificate, accepts: change(made.certificate.accepts) }),
    );
  const rule = 'no quorum accepted it';

  beforeAll(async () => {
    made = await registry.next({ kind: 'rotate' });
  });

  it('is N accepts of one entry in one ballot by different holders', async () => {
    expect(await certify((accepts) => accepts)).toBe('stands');
    const third = signAccept(
      registry.pid,
      voter(kit),
      placeAfter(registry.state),
      made.certificate.ballot,
      made.entry.id,
    );
    expect(await certify((accepts) => [...accepts, third])).toBe('stands');
    expect(await certify(([first]) => [first!, third])).toBe('stands');
  });

  it.each<[string, (accepts: Made['certificate']['accepts']) => Made['certificate']['accepts']]>([
    ['one too few', ([first]) => [first!]],
    ['one holder twice', ([first]) => [first!, first!]],
    ['a stranger', ([first]) => [first!, accept(stranger)]],
    ['two ballots', ([first]) => [first!, accept(phone, { round: 2, initiator: laptop.holder.id })]],
    ['another entry', ([first]) => [first!, accept(phone, undefined, registry.random(32))]],
    [
      'another slot',
      ([first]) => [first!, accept(phone, undefined, undefined, { slot: 2, prev: placeAfter(registry.state).prev })],
    ],
    ['a signature of somebody else', ([first, second]) => [first!, { ...second!, holder: kit.holder.id }]],
    ['none', () => []],
  ])('is not %s', async (_, change) => {
    expect(await certify(change)).toBe(rule);
  });

  function accept(
    actor: Actor,
    ballot = made.certificate.ballot,
    entry = made.entry.id,
    place = placeAfter(registry.state),
  ) {
    return signAccept(registry.pid, voter(actor), place, ballot, entry);
  }
});

describe('slot 0', () => {
  const founded = async (core?: (core: EntryCore) => EntryCore, pid?: Bytes) => {
    const other = await Registry.found('slot 0', core === undefined ? {} : { core });
    return verdict(() => checkFounding(other.founding.entry, pid ?? other.pid));
  };

  it('stands, and is accepted by all its holders', async () => {
    expect(await founded()).toBe('stands');
    const { entry, certificate } = registry.founding;
    expect(await verdict(() => checkFoundingCertificate(entry, certificate))).toBe('stands');
    for (let i = 0; i < 3; i++) {
      const accepts = certificate.accepts.filter((_, at) => at !== i);
      expect(await verdict(() => checkFoundingCertificate(entry, { ...certificate, accepts }))).toBe(
        'not every founding holder accepted it',
      );
    }
    const twice = [certificate.accepts[0]!, certificate.accepts[1]!, certificate.accepts[1]!];
    expect(await verdict(() => checkFoundingCertificate(entry, { ...certificate, accepts: twice }))).toBe(
      'not every founding holder accepted it',
    );
  });

  it.each<[string, string, (core: EntryCore) => EntryCore]>([
    ['another slot', 'slot 0 does not belong to this passport', (c) => ({ ...c, slot: 1 })],
    ['another prev', 'slot 0 does not belong to this passport', (c) => ({ ...c, prev: flip(c.prev) })],
    ['another epoch', 'slot 0 starts epoch 0', (c) => ({ ...c, epoch: 1 })],
    ['no epoch', 'slot 0 starts epoch 0', (c) => ({ ...c, epochPart: null })],
    [
      'an approval',
      'slot 0 has no votes before it',
      (c) => ({ ...c, approvals: [{ holder: c.holders[0]!.id, signature: new Uint8Array(64) }] }),
    ],
    ['no random number', 'slot 0 has a random number', (c) => ({ ...c, request: new Uint8Array([0x80]) })],
    [
      'a short random number',
      'slot 0 has a random number of 32 bytes',
      (c) => ({ ...c, request: new Uint8Array([0x81, 0x41, 1]) }),
    ],
    [
      'another random number',
      'the founding holders do not give this passport’s id',
      (c) => ({ ...c, request: c.request.map((b, i) => (i === 9 ? b ^ 1 : b)) }),
    ],
    [
      'another holder',
      'the founding holders do not give this passport’s id',
      (c) => ({ ...c, holders: [c.holders[1]!, c.holders[0]!, c.holders[2]!] }),
    ],
    ['another threshold', 'the founding holders do not give this passport’s id', (c) => ({ ...c, threshold: 3 })],
    [
      'a kit for a dealer',
      'the dealer is a founding device',
      (c) => ({ ...c, birth: { round: 0, initiator: c.holders[2]!.id } }),
    ],
    ['another dealer', 'the dealer’s signature', (c) => ({ ...c, birth: { round: 0, initiator: c.holders[1]!.id } })],
    [
      'another vault key',
      'the vault signature',
      (c) => ({ ...c, epochPart: { ...c.epochPart!, vaultKey: c.holders[0]!.signKey } }),
    ],
    [
      'a link back',
      'a mesh link in every epoch but the first',
      (c) => ({ ...c, epochPart: { ...c.epochPart!, linkHash: new Uint8Array(32) } }),
    ],
  ])('with %s: %s', async (_, rule, core) => {
    expect(await founded(core)).toBe(rule);
  });

  it.each<[string, string, (core: EntryCore) => EntryCore]>([
    ['of another pid', 'slot 0 does not belong to this passport', (c) => ({ ...c, pid: flip(c.pid) })],
    [
      'in a later round',
      'slot 0 is born in round 0, with no policy',
      (c) => ({ ...c, birth: { ...c.birth, round: 1 } }),
    ],
    [
      'with a device that may keep its session',
      'slot 0 is born in round 0, with no policy',
      (c) => ({ ...c, unlockDevices: [c.holders[0]!.id] }),
    ],
    [
      'with a promise',
      'slot 0 has no votes before it',
      (c) => ({
        ...c,
        promises: [
          {
            ...{ holder: c.holders[0]!.id, ballot: c.birth, last: null, nextKey: null, heads: [] },
            signature: new Uint8Array(64),
          },
        ],
      }),
    ],
    [
      'with a role',
      'slot 0 has no votes before it',
      (c) => ({
        ...c,
        roles: [{ holder: c.holders[0]!.id, transcript: new Uint8Array(32), signature: new Uint8Array(64) }],
      }),
    ],
    ['with a request that is no array', 'slot 0 has a random number', (c) => ({ ...c, request: encode(1) })],
    [
      'with a text of 32 characters for a random number',
      'slot 0 has a random number of 32 bytes',
      (c) => ({ ...c, request: encode(['x'.repeat(32)]) }),
    ],
    [
      'with two random numbers',
      'slot 0 has a random number',
      (c) => ({ ...c, request: encode([new Uint8Array(32), new Uint8Array(32)]) }),
    ],
    [
      'with the id of another key',
      'a holder id does not belong to its key',
      (c) => ({ ...c, holders: c.holders.map((h, i) => (i === 1 ? { ...h, id: flip(h.id) } : h)) }),
    ],
    [
      'with a KEK link back',
      'a KEK link in every epoch but the first',
      (c) => ({ ...c, epochPart: { ...c.epochPart!, kekLink: new Uint8Array(9) } }),
    ],
    [
      'with a share too few',
      'one share for each holder',
      (c) => ({ ...c, epochPart: { ...c.epochPart!, shares: c.epochPart!.shares.slice(1) } }),
    ],
    [
      'with a cost that protects nothing',
      'parameters-refused',
      (c) => ({ ...c, epochPart: { ...c.epochPart!, cost: { memoryKiB: 19_456, passes: 1, lanes: 1 } } }),
    ],
    [
      'dealt by a stranger',
      'the dealer is a founding device',
      (c) => ({ ...c, birth: { round: 0, initiator: new Uint8Array(16) } }),
    ],
  ])('%s: %s', async (_, rule, core) => {
    expect(await founded(core)).toBe(rule);
  });

  it('gives no passport where N of M is unsafe or seats are not 1..M, though the pid says so too', async () => {
    const judged = async (options: Parameters<typeof Registry.found>[1]) => {
      const other = await Registry.found('slot 0 unsafe', options);
      return verdict(() => checkFounding(other.founding.entry, other.pid));
    };
    const four: Holder['kind'][] = ['device', 'device', 'device', 'kit'];
    expect(await judged({ kinds: four, threshold: 3 })).toBe('stands');
    expect(await judged({ kinds: four, threshold: 2 })).toBe('the policy is not 2 <= N <= M <= 32 and 2N > M');
    expect(await judged({ seats: [1, 2, 3] })).toBe('stands');
    for (const seats of [
      [1, 2, 4],
      [2, 3, 4],
      [1, 1, 2],
    ])
      expect(await judged({ seats })).toBe('founding seats are 1..M');
  });

  it('is accepted in its own ballot, place and words only', async () => {
    const { entry, certificate } = registry.founding;
    const { core } = entry;
    const accept = (actor: Actor, change: { ballot?: typeof core.birth; entry?: Bytes; slot?: number } = {}) =>
      signAccept(
        registry.pid,
        voter(actor),
        { slot: change.slot ?? 0, prev: core.prev },
        change.ballot ?? core.birth,
        change.entry ?? entry.id,
      );
    const judged = (third: ReturnType<typeof accept>) =>
      verdict(() =>
        checkFoundingCertificate(entry, { ...certificate, accepts: [...certificate.accepts.slice(0, 2), third] }),
      );
    expect(await judged(accept(kit))).toBe('stands');
    for (const wrong of [
      accept(kit, { ballot: { ...core.birth, round: 1 } }),
      accept(kit, { ballot: { round: 0, initiator: kit.holder.id } }),
      accept(kit, { entry: registry.random(32) }),
      accept(kit, { slot: 1 }),
      { ...accept(stranger), holder: kit.holder.id },
    ]) {
      expect(await judged(wrong)).toBe('not every founding holder accepted it');
    }
  });

  it('of another passport is refused', async () => {
    expect(await founded(undefined, registry.pid)).toBe('slot 0 does not belong to this passport');
  });

  it('may be changed in nothing that its pid names: the id would be another', async () => {
    const name = await founded((core) => ({ ...core, holders: core.holders.map((h) => ({ ...h, name: 'a\u0000b' })) }));
    expect(name).toBe('a name cannot be shown');
  });
});

describe('a name', () => {
  it.each(['laptop', 'ä', 'Mum’s phone', '電話', 'a b', 'x'.repeat(64)])('%j can be shown', (name) => {
    expect(isHolderName(name)).toBe(true);
  });

  it.each([
    '',
    ' ',
    ' a',
    'a ',
    'x'.repeat(65),
    'a\nb',
    'a\u0000',
    'a\u200bb',
    'a\u202eb',
    'a\u2028',
    '\u00a0a',
    'a\u3000',
    'a\u{e0041}',
    'a\u{10fffd}',
    '\ud800',
    '\ue000',
  ])('%j cannot', (name) => {
    expect(isHolderName(name)).toBe(false);
  });
});

describe('what the entry hashes', () => {
  it('a signature over one core is none over another', async () => {
    const { entry } = await registry.next({ kind: 'rotate' });
    const other = await registry.next({ kind: 'rotate' });
    const moved = { ...other.entry, dealerSignature: entry.dealerSignature };
    expect(await verdict(() => checkEntry(registry.state, moved))).toBe('the dealer’s signature');
    expect(holdersOf(registry.state)).toHaveLength(3);
    expect(signStatement(laptop.seed, registry.pid, 'x')).toHaveLength(64);
  });
});
