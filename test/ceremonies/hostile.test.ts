/**
 * What a stolen device, a store or a copied home can put in the way, each as one rule: it is passed over, and what the others
 * want goes on.
 */
import { describe, expect, it } from 'vitest';

import { type Bytes, hex } from '../../src/bytes.ts';
import { votesOf } from '../../src/ceremonies/slot.ts';
import { hpkeSeal } from '../../src/crypto/hpke.ts';
import { kitKeys } from '../../src/crypto/kit.ts';
import { info } from '../../src/crypto/statements.ts';
import { kitEntropy } from '../../src/crypto/words.ts';
import { encodeRequest, type VotePromise } from '../../src/format/entry.ts';
import { parseName } from '../../src/format/names.ts';
import type { VoteMessage } from '../../src/format/votes.ts';
import { type Kit, Passport, PassportError } from '../../src/index.ts';
import {
  placeAfter,
  signApproval,
  signBallotRequest,
  signPromise,
  signRefusal,
  signShare,
} from '../../src/registry/messages.ts';
import { audit } from '../helpers/audit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import {
  blind,
  fakePassport,
  Forger,
  hide,
  inside,
  isOf,
  listFirst,
  NO_EVIDENCE,
  threeOnTwoStores,
} from '../helpers/hostile.ts';
import {
  type Home,
  type Member,
  MINUTE,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  words,
  World,
} from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const junk = (forger: Forger, length = 64) => forger.device.bytes(length);
/** A receive key as good as any: 32 bytes below 2^255 - 19. */
const freshKey = (forger: Forger) => junk(forger, 32).fill(9, 31);
const storeDown = () => new PassportError('store-unreachable', 'the store is down');

/** The state of every holder of a passport, by name. */
async function standing(member: Member): Promise<Record<string, string>> {
  return Object.fromEntries((await member.passport.devices()).map(({ name, state }) => [name, state]));
}

function recover(home: Home, kits: readonly Kit[], passphrase = PASSPHRASE): Promise<Passport> {
  const usual = { stores: ['memory:one'], name: 'desktop', passphrase };
  return Passport.recover(home.environment, { ...usual, kits: kits.map(words) });
}

/** A passport of a laptop and two kits with one record. */
async function founded(label: string) {
  const world = new World(`hostile ${label}`);
  const laptop = await world.create();
  await laptop.passport.put('wallet', 'seed words');
  await laptop.passport.sync();
  return { world, laptop, kits: laptop.kits };
}

describe('an evidence entry that does not parse', () => {
  it('drops its message and nothing else: sync, requests, approve and revoke go on', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('F1');
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    const forger = await Forger.of(world, phone);
    const { place, requests } = await forger.look();
    const ballot = requests[0]!.ballots[0]!;
    const none = new Uint8Array(0);
    const evidence = { entries: [{ entry: new Uint8Array([1]), wrap: none, link: none }], proposals: [] };
    await forger.say({ type: 'propose', ...place, ballot, entry: new Uint8Array(32), evidence });
    const promise = signPromise(forger.device.pid, forger.voter, place, {
      ...{ ballot, last: null, nextKey: junk(forger, 32), heads: [{ device: forger.voter.id, heads: [] }] },
    });
    await forger.say({ type: 'promise', ...place, promise, evidence });
    expect((await forger.look()).promises.some(({ holder }) => hex(holder) === hex(forger.voter.id))).toBe(false);
    await tablet.passport.sync();
    expect(await tablet.passport.requests()).toMatchObject([{ id: change.id, kind: 'change', approved: false }]);
    await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    expect(await laptop.passport.requests()).toMatchObject([{ id: change.id, mine: true }]);
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided', slot: 3 });
    expect(await standing(tablet)).toMatchObject({ phone: 'revoked', tablet: 'active' });
  });
});

describe('the device that is being revoked cannot stop it', () => {
  type Spoiled = Omit<VotePromise, 'holder' | 'signature'>;
  const spoils: [string, (promise: Spoiled, used: Bytes) => Spoiled][] = [
    ['no next key', (promise) => ({ ...promise, nextKey: null })],
    ['no heads', (promise) => ({ ...promise, heads: [] })],
    ['heads of somebody else', (promise) => ({ ...promise, heads: [{ device: new Uint8Array(16), heads: [] }] })],
    [
      'a head that is none',
      (promise) => ({
        ...promise,
        heads: [{ ...promise.heads[0]!, heads: [{ header: new Uint8Array([1]), signature: new Uint8Array(64) }] }],
      }),
    ],
    ['a used next key', (promise, used) => ({ ...promise, nextKey: used })],
    ['a low-order next key', (promise) => ({ ...promise, nextKey: new Uint8Array(32) })],
  ];

  it.each(spoils)('by a promise with %s', async (name, spoil) => {
    const { world, laptop, phone, kit } = await twoDevices(`F2 ${name}`);
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    const forger = await Forger.of(world, phone);
    const { place, requests } = await forger.look();
    const fair = { nextKey: freshKey(forger), heads: [{ device: forger.voter.id, heads: [] }] };
    const { receiveKey } = await forger.holder('laptop');
    const spoiled = spoil({ ballot: requests[0]!.ballots[0]!, last: null, ...fair }, receiveKey);
    const promise = signPromise(forger.device.pid, forger.voter, place, spoiled);
    await forger.say({ type: 'promise', ...place, promise, evidence: NO_EVIDENCE });
    expect((await forger.look()).promises).toContainEqual(promise);
    const done = await laptop.passport.finish(change.id, { ...left, kits: [kit] });
    expect(done).toMatchObject({ state: 'decided', slot: 2, approvedBy: ['laptop', 'kit-1'] });
    expect(await standing(laptop)).toMatchObject({ phone: 'revoked', laptop: 'active' });
  });

  it('by a promise with a bad next key for a change in which it stays', async () => {
    for (const bad of ['used', 'low order'] as const) {
      const { world, laptop, phone, tablet } = await threeDevices(`F2 stays ${bad}`);
      const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
      const forger = await Forger.of(world, phone);
      const { place, requests } = await forger.look();
      const nextKey = bad === 'used' ? (await forger.holder('tablet')).receiveKey : new Uint8Array(32);
      const promise = signPromise(forger.device.pid, forger.voter, place, {
        ...{ ballot: requests[0]!.ballots[0]!, last: null, nextKey, heads: [] },
      });
      await forger.say({ type: 'promise', ...place, promise, evidence: NO_EVIDENCE });
      expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
    }
  });

  it('by an approval with a share that is junk', async () => {
    const { world, laptop, phone, kit } = await twoDevices('F3 junk');
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    const forger = await Forger.of(world, phone);
    const asked = await forger.request();
    const { device, voter } = forger;
    const state = await forger.view(async (view) => view.state);
    const place = placeAfter(state);
    for (let i = 0; i < 3; i++) {
      const at = info(device.pid, 'change-share', state.epoch, asked.hash, voter.id);
      const share = await hpkeSeal(asked.request.oneTimeKey, { info: at }, junk(forger, 33), device.random);
      await forger.say({
        ...{ type: 'approve', ...place, holder: voter.id, requestHash: asked.hash, share },
        signature: signApproval(state, voter, asked.request, asked.hash),
        shareSignature: signShare(device.pid, voter, place, asked.hash, share),
      });
    }
    const { approvals } = await forger.request();
    expect(approvals.find(({ holder }) => hex(holder) === hex(voter.id))?.shares).toHaveLength(3);
    expect(await laptop.passport.finish(change.id, { ...left, kits: [kit] })).toMatchObject({ state: 'decided' });
    expect((await laptop.passport.log()).at(-1)).toMatchObject({ approvedBy: ['laptop', 'kit-1'] });
  });

  it('by a flood of chains: the promise that states its heads stays bounded', async () => {
    const { world, laptop, phone, kit } = await twoDevices('F5');
    const forger = await Forger.of(world, phone);
    for (let i = 0; i < 70; i++) await forger.commit();
    await laptop.passport.sync();
    const change = await laptop.passport.revoke('phone', { ...left, kit: false, kits: [kit] });
    expect(change).toMatchObject({ state: 'decided' });
    const votes = [...world.store().ever].filter(([name]) => isOf('vote')(name));
    expect(Math.max(...votes.map(([, bytes]) => bytes.length))).toBeLessThan(128 * 1024);
    const cut = await (
      await inside(laptop.home)
    ).asMember(async ({ state }) => state.members.find(({ name }) => name === 'phone')!.cut.length);
    expect(cut).toBe(16);
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });
});

describe('an approval that somebody else posts again with another share', () => {
  it('says nothing: the holder’s own share is taken', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('F3 again');
    const change = await laptop.passport.rename('tablet', 'slate', left);
    await tablet.passport.sync();
    await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    const forger = await Forger.of(world, phone);
    await forger.look();
    const approvals = (await forger.votes()).flatMap(({ name, message }) =>
      message.type === 'approve' ? [{ name, message }] : [],
    );
    expect(approvals).toHaveLength(2);
    const reveal = hide(world.store(), (name) => approvals.some((each) => each.name === name));
    for (const { message } of approvals) {
      const share = junk(forger, 81);
      await forger.say({ ...message, share });
      const shareSignature = signShare(forger.device.pid, forger.voter, message, message.requestHash, share);
      await forger.say({ ...message, share, shareSignature });
    }
    await laptop.passport.finish(change.id, left);
    reveal();
    expect(await world.settle(laptop, { ...change, state: 'waiting' }, [tablet])).toMatchObject({ state: 'decided' });
    const { approvedBy } = (await laptop.passport.log()).at(-1)!;
    expect([...approvedBy].sort()).toEqual(['laptop', 'slate']);
  });
});

describe('an initiator that dies after its proposal, without its own accept', () => {
  it.each(['a', 'b', 'c', 'd'])(
    'who accepted finishes it with the kit, and then lets the initiator go (%s)',
    async (seed) => {
      const { world, laptop, phone, kit } = await twoDevices(`F4 ${seed}`);
      const change = await laptop.passport.rename('kit-1', 'paper', left);
      await world.approveAll(phone);
      await laptop.passport.sync({ passphrase: PASSPHRASE });
      const forger = await Forger.of(world, laptop);
      await forger.look();
      for (const { name, message } of await forger.votes())
        if (message.type === 'accept') world.store().objects.delete(name);
      await phone.passport.sync();
      expect((await phone.passport.status()).slot).toBe(1);
      // The laptop is in other hands now, and says nothing that helps.
      phone.home.clock.pass(61_000);
      await phone.passport.sync();
      phone.home.clock.pass(20 * MINUTE);
      await phone.passport.sync();
      const first = await phone.passport.revoke('laptop', { ...left, kit: false, kits: [kit] });
      expect(first.state).toBe('superseded');
      expect((await phone.passport.log()).at(-1)).toMatchObject({ slot: 2, by: 'laptop', kind: 'policy' });
      const second = await phone.passport.revoke('laptop', { ...left, kit: false, kits: [kit] });
      expect(second).toMatchObject({ state: 'decided', slot: 3 });
      expect(await standing(phone)).toMatchObject({ laptop: 'revoked', paper: 'active', phone: 'active' });
      expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
      expect(change.state).toBe('waiting');
    },
  );
});

describe('in the open slot', () => {
  /** A proposal of new keys by the laptop that the tablet approved; it lies in the store, and the tablet has not seen it. */
  async function proposed(label: string) {
    const mesh = await threeDevices(label);
    const { world, laptop, phone, tablet } = mesh;
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await world.approveAll(tablet);
    await laptop.passport.sync({ passphrase: PASSPHRASE });
    const forger = await Forger.of(world, phone);
    await forger.look();
    const good = (await forger.votes()).find(({ message }) => message.type === 'propose')!;
    const message = good.message as Extract<VoteMessage, { type: 'propose' }>;
    return { ...mesh, change, forger, message, reveal: hide(world.store(), (name) => name === good.name) };
  }

  it.each(['before', 'after'] as const)(
    'the same entry bytes with another wrap, %s the good ones, do not take their place',
    async (when) => {
      const { world, laptop, tablet, change, forger, message, reveal } = await proposed(`F6a ${when}`);
      const [entry, ...behind] = message.evidence.entries;
      if (when === 'after') reveal();
      for (const spoiled of [
        { ...entry!, wrap: junk(forger, 200) },
        { ...entry!, link: new Uint8Array(0) },
      ]) {
        await forger.say({ ...message, evidence: { ...message.evidence, entries: [spoiled, ...behind] } });
      }
      await tablet.passport.sync();
      if (when === 'before') {
        expect((await tablet.passport.status()).slot).toBe(2);
        reveal();
        await tablet.passport.sync();
      }
      expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 3 });
      await tablet.passport.sync();
      expect(await tablet.passport.status()).toMatchObject({ slot: 3, epoch: 3, threshold: 3 });
      expect(await audit(world, tablet.home)).toMatchObject({ faults: [] });
    },
  );

  it('300 proposals that are not signed by their initiator hide nothing', async () => {
    const { laptop, tablet, change, forger, message, reveal } = await proposed('F6b');
    const proposal = message.evidence.proposals[0]!;
    for (let i = 0; i < 20; i++) {
      const proposals = Array.from({ length: 15 }, (_, j) => ({
        ...proposal,
        signature: j % 3 === 0 ? new Uint8Array(64) : junk(forger, 64),
        promises: j % 2 === 0 ? proposal.promises : [],
      }));
      await forger.say({ ...message, evidence: { ...message.evidence, proposals } });
    }
    await tablet.passport.sync();
    reveal();
    await tablet.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 3 });
  });

  it('signed copies of a proposal with fewer promises hide nothing', async () => {
    const { laptop, tablet, change, forger, message, reveal } = await proposed('F6b copies');
    const proposal = message.evidence.proposals[0]!;
    const proposals = Array.from({ length: 16 }, (_, j) => ({
      ...proposal,
      promises: proposal.promises.slice(0, j % 2),
    }));
    for (let i = 0; i < 4; i++) await forger.say({ ...message, evidence: { ...message.evidence, proposals } });
    await tablet.passport.sync();
    reveal();
    await tablet.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 3 });
  });

  it('a request and a promise with round 0xfffffff0 move nobody and cost nothing', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('F6c');
    const forger = await Forger.of(world, phone);
    const { place } = await forger.look();
    const { pid } = forger.device;
    const { initiator, request } = await forger.view(async ({ state, secrets }) => ({
      initiator: forger.voter.id,
      request: encodeRequest({
        ...{ rid: junk(forger, 16), kind: 'policy', initiator: { id: forger.voter.id, signKey: secrets.signKey } },
        ...{ oneTimeKey: freshKey(forger), expiry: phone.home.clock.now() + MINUTE, enters: [], leaves: [] },
        ...{ threshold: state.threshold, names: [{ id: forger.voter.id, name: 'mine' }], unlockDevices: [] },
      }),
    }));
    const ballot = { round: 0xfffffff0, initiator };
    const signature = signBallotRequest(pid, forger.voter, place, ballot, request);
    await forger.say({ type: 'request', ...place, ballot, request, voucher: null, signature });
    const promise = signPromise(pid, forger.voter, place, { ballot, last: null, nextKey: freshKey(forger), heads: [] });
    await forger.say({ type: 'promise', ...place, promise, evidence: NO_EVIDENCE });
    await tablet.passport.sync();
    await laptop.passport.sync();
    const said = async () => (await forger.votes()).map(({ message }) => message);
    expect(await said()).toHaveLength(2);
    const change = await laptop.passport.rename('tablet', 'slate', left);
    const rounds = (await said()).flatMap((message) => (message.type === 'request' ? [message.ballot.round] : []));
    expect(rounds.sort((a, b) => a - b)).toEqual([1, 0xfffffff0]);
    await tablet.passport.sync();
    await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    await laptop.passport.finish(change.id, left);
    await tablet.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 3 });
    expect((await laptop.passport.devices()).map(({ name }) => name)).toContain('slate');
  });

  it.each(['junk', 'good votes, sealed again'] as const)(
    '%s under another holder’s tag do not use up what is kept of it',
    async (what) => {
      const { world, laptop, phone, tablet } = await threeDevices(`quota ${what}`);
      const forger = await Forger.of(world, phone);
      const victim = await forger.holder('laptop');
      const first = await laptop.passport.rename('tablet', 'first', left);
      const { place } = await forger.look();
      const [good] = await forger.votes();
      for (let i = 0; i < 140; i++) {
        if (what === 'junk') {
          const [requestHash, signature] = [junk(forger, 32), junk(forger, 64)];
          await forger.say({ type: 'refuse', ...place, holder: victim.id, requestHash, signature }, victim.id);
        } else await forger.say(good!.message, victim.id);
      }
      await tablet.passport.sync();
      await laptop.passport.cancel(first.id);
      laptop.home.clock.pass(31_000);
      const change = await laptop.passport.rename('tablet', 'slate', left);
      expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided', slot: 3 });
    },
  );

  it('one holder’s flood of signed statements is kept up to a limit, and hides nothing of the others', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('quota own');
    const forger = await Forger.of(world, phone);
    const { place } = await forger.look();
    const { pid } = forger.device;
    for (let i = 0; i < 140; i++) {
      const requestHash = junk(forger, 32);
      const signature = signRefusal(pid, forger.voter, 'refuse', place, requestHash);
      await forger.say({ type: 'refuse', ...place, holder: forger.voter.id, requestHash, signature }, junk(forger, 16));
    }
    const change = await laptop.passport.rename('tablet', 'slate', left);
    await tablet.passport.sync();
    const kept = await (await inside(tablet.home)).transact(({ tx }) => votesOf(tx));
    expect(kept.filter(({ holder }) => hex(holder) === hex(forger.voter.id))).toHaveLength(128);
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided', slot: 3 });
  });

  it('300 junk vote objects are neither kept nor put into the other store', async () => {
    const { world, laptop, phone } = await threeOnTwoStores('F10');
    const forger = await Forger.of(world, phone);
    const { slot } = (await forger.look()).place;
    for (let i = 0; i < 300; i++) await forger.vote(junk(forger, 500), `${'a'.repeat(14)}${i % 10}v`, slot);
    const before = world.store('memory:two').objects.size;
    await laptop.passport.sync();
    expect(await (await inside(laptop.home)).transact(({ tx }) => votesOf(tx))).toEqual([]);
    expect(world.store('memory:two').objects.size).toBe(before);
    // They are not even fetched again.
    world.store().resetCount();
    await laptop.passport.sync();
    expect(world.store().count).toMatchObject({ get: 0, put: 0, list: 1 });
  });
});

describe('recovery', () => {
  it.each(['a', 'b', 'c', 'd', 'e', 'f'])(
    'works when a kit has already promised in the open slot (%s)',
    async (seed) => {
      const { world, laptop, kits } = await founded(`F7 ${seed}`);
      // The laptop asks with the kit, and dies before anything is proposed: no passphrase was typed.
      laptop.home.environment.person.passphrase = () => Promise.reject(new PassportError('aborted', 'nobody there'));
      await rejectionOf(laptop.passport.lock());
      const asked = laptop.passport.revoke('kit-2', { kit: false, kits: [words(kits[0]!)], timeoutMs: 0 });
      expect(await rejectionOf(asked)).toBe('aborted');
      const forger = await Forger.of(world, laptop);
      const kit = (await forger.holder('kit-1')).id;
      expect((await forger.look()).promises.some(({ holder }) => hex(holder) === hex(kit))).toBe(true);
      const home = world.home();
      if (seed > 'c') home.clock.pass(25 * MINUTE);
      const desktop = await recover(home, kits);
      expect(await desktop.status()).toMatchObject({ device: 'desktop', slot: 1, epoch: 1 });
      expect(await desktop.get('wallet')).toBeDefined();
      expect(await audit(world, home)).toMatchObject({ faults: [] });
    },
  );

  it('and joining work with copies of slot 0 under a cut certificate, and grants of epochs that cannot be', async () => {
    const { world, laptop, phone, kit } = await twoDevices('F8 join');
    const forger = await Forger.of(world, phone);
    await spoil(forger);
    const tablet = await world.enroll('tablet', laptop, { approvers: [phone] });
    expect(await tablet.passport.status()).toMatchObject({ slot: 2, device: 'tablet' });
    expect(kit).not.toBe('');

    const alone = await founded('F8 recover');
    await spoil(await Forger.of(alone.world, alone.laptop));
    const desktop = await recover(alone.world.home(), alone.kits);
    expect(await desktop.status()).toMatchObject({ slot: 1, device: 'desktop' });
  });

  async function spoil(forger: Forger): Promise<void> {
    const names: string[] = [];
    for (let i = 0; i < 4; i++) {
      const bytes = await forger.resealed(0, (decided) => ({
        ...decided,
        certificate: { ...decided.certificate, accepts: decided.certificate.accepts.slice(0, 1) },
      }));
      names.push(await forger.registry(0, bytes), await forger.registry(0, bytes, true));
    }
    for (let i = 0; i < 520; i++) names.push(await forger.grant(0xffffffff, junk(forger, 16), junk(forger, 200)));
    listFirst(forger.store, names);
  }

  it.each(['receive', 'receive and signing'] as const)(
    'works next to a fake passport with the kits’ %s keys',
    async (which) => {
      const { world, laptop, kits } = await founded(`F14 ${which}`);
      const forger = await Forger.of(world, laptop);
      const keys = kits.map((kit) => kitKeys(kitEntropy(words(kit))));
      await fakePassport(
        world.store(),
        forger.device.random,
        keys.map(({ receiveKey, signKey }) => (which === 'receive' ? { receiveKey } : { receiveKey, signKey })),
      );
      for (const order of ['last', 'first'] as const) {
        const copy = world.clone(order);
        const fake = [...copy.store().objects.keys()].slice(-4);
        expect(fake.map((name) => parseName(name)?.kind)).toEqual(['registry', 'grant', 'grant', 'grant']);
        if (order === 'first') listFirst(copy.store(), fake);
        const desktop = await recover(copy.home(), kits);
        expect(await desktop.status()).toMatchObject({ slot: 1, device: 'desktop' });
        expect(await desktop.get('wallet')).toBeDefined();
      }
    },
  );

  it('with a mistyped passphrase leaves an empty home', async () => {
    const { world, kits } = await founded('F15');
    const home = world.home();
    expect(await rejectionOf(recover(home, kits, 'mistyped'))).toBe('wrong-passphrase');
    expect(await Passport.peek(home.environment)).toBeUndefined();
    expect([home.journal.entries.size, home.keystore.blobs.size, home.anchor.note]).toEqual([0, 0, undefined]);
    expect(await (await recover(home, kits)).status()).toMatchObject({ device: 'desktop', slot: 1 });
  });

  it('takes the newer of two stores when one was rolled back', async () => {
    const { world, laptop, phone } = await threeOnTwoStores('recover rolled back');
    const kits: Kit[] = [];
    const old = world.store('memory:one').clone();
    const grown = await laptop.passport.revoke('tablet', {
      ...left,
      keepKits: async (made) => void kits.push(...made),
    });
    expect(await world.settle(laptop, grown, [phone])).toMatchObject({ state: 'decided' });
    const again = await laptop.passport.revoke('phone', {
      ...left,
      kits: kits.map(words),
      keepKits: async (made) => void kits.push(...made),
    });
    expect(again).toMatchObject({ state: 'decided', slot: 4 });
    world.stores.set('memory:one', old);
    const desktop = await Passport.recover(world.home().environment, {
      ...{ stores: ['memory:one', 'memory:two'], name: 'desktop', passphrase: PASSPHRASE, kits: kits.map(words) },
    });
    expect(await desktop.status()).toMatchObject({ slot: 5, epoch: 5 });
  });
});

describe('what cannot be sure that it remembers does not vote', () => {
  it('a kit, while a store cannot be read, unless its person says so', async () => {
    const world = new World('F9');
    const laptop = await world.create('laptop', { stores: ['memory:one', 'memory:two'] });
    await laptop.passport.sync();
    world.store('memory:one').fault = storeDown;
    laptop.home.confirms = () => false;
    const kits = [words(laptop.kits[0]!)];
    const forger = await Forger.of(world, laptop, 'memory:two');
    const kit = (await forger.holder('kit-1')).id;
    const byKit = async () => (await forger.look()).promises.filter(({ holder }) => hex(holder) === hex(kit)).length;
    expect(await rejectionOf(laptop.passport.rename('kit-2', 'paper', { ...left, kits }))).toBe('refused');
    expect(laptop.home.cards.at(-1)).toMatchObject({ lines: ['memory:one does not answer'] });
    expect(await byKit()).toBe(0);
    laptop.home.confirms = () => true;
    const [request] = await laptop.passport.requests();
    expect(await laptop.passport.finish(request!.id, { ...left, kits })).toMatchObject({ state: 'decided', slot: 1 });
  });

  it('a home that was restored from a backup, until it has read every store', async () => {
    const { world, laptop, phone, tablet } = await threeOnTwoStores('F9 restored');
    const backup = {
      journal: phone.home.journal.clone(),
      keystore: phone.home.keystore.clone(phone.home.environment.random),
    };
    world.store('memory:two').fault = storeDown;
    const change = await laptop.passport.rename('tablet', 'slate', left);
    await phone.passport.sync(); // its promise is in the first store only
    await phone.passport.close();
    world.store('memory:two').fault = () => undefined;
    world.store('memory:one').fault = storeDown;
    const anchor = phone.home.anchor;
    const home = world.home({ copyOf: phone.home });
    home.environment.journal = async () => backup.journal;
    home.environment.keystore = backup.keystore;
    home.anchor.note = anchor.note;
    const restored: Member = { passport: await Passport.open(home.environment), home };
    // Somebody asks in the store that it can read.
    tablet.home.clock.pass(31_000);
    await tablet.passport.rename('phone', 'pocket', left);
    const votes = () => [...world.store('memory:two').ever.keys()].filter(isOf('vote')).length;
    const before = votes();
    await restored.passport.sync();
    expect(votes()).toBe(before);
    world.store('memory:one').fault = () => undefined;
    home.clock.pass(31_000);
    await restored.passport.sync();
    expect(votes()).toBeGreaterThan(before);
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ kind: 'policy' });
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });
});

describe('a device that was away', () => {
  it('for two changes of the passphrase goes on from a store that another device built anew', async () => {
    const { world, laptop, phone, kit } = await twoDevices('F11');
    let passphrase = PASSPHRASE;
    for (const newPassphrase of ['two', 'three']) {
      const change = await laptop.passport.changePassphrase({ passphrase, newPassphrase, kits: [kit], timeoutMs: 0 });
      expect(change).toMatchObject({ state: 'decided' });
      passphrase = newPassphrase;
    }
    world.store().objects.clear();
    await laptop.passport.sync();
    await laptop.passport.verify({ repair: true });
    await laptop.passport.sync();
    const grants = [...world.store().objects.keys()].map(parseName).filter((name) => name?.kind === 'grant');
    expect(new Set(grants.map((name) => name?.kind === 'grant' && name.epoch))).toEqual(new Set([3]));
    await phone.passport.sync();
    expect(await phone.passport.status()).toMatchObject({ slot: 3, epoch: 3 });
    expect(await phone.passport.log()).toEqual(await laptop.passport.log());
    await phone.passport.unlock({ passphrase: 'three', kits: [kit], timeoutMs: 0 });
    expect(await text(phone, 'old')).toBe('written before');
  });
});

describe('unlocking', () => {
  it('works 40 times in a row', async () => {
    const { world, laptop, phone } = await twoDevices('F13');
    for (let i = 0; i < 40; i++) {
      await phone.passport.lock();
      for (const { clock } of world.homes) clock.pass(MINUTE);
      await world.unlock(phone, laptop);
    }
    expect(await text(phone, 'old')).toBe('written before');
  });

  it.each(['is cancelled', 'succeeds'] as const)(
    'that %s leaves this device’s answer to somebody else on its way',
    async (how) => {
      const { world, laptop, phone, tablet } = await threeDevices(`F18 ${how}`);
      await stopsWaiting(laptop.passport.unlock(left));
      await stopsWaiting(phone.passport.unlock(left));
      await phone.passport.sync();
      const theirs = (await phone.passport.requests()).find(({ mine }) => !mine)!;
      const own = (await phone.passport.requests()).find(({ mine }) => mine)!;
      await phone.passport.approve(theirs.id, { number: world.number(theirs.id), timeoutMs: 0 });
      if (how === 'is cancelled') await phone.passport.cancel(own.id);
      else {
        await tablet.passport.sync();
        await tablet.passport.approve(own.id, { number: world.number(own.id), timeoutMs: 0 });
        await phone.passport.unlock(left);
        await phone.passport.sync();
      }
      await laptop.passport.unlock(left);
      expect(await text(laptop, 'old')).toBe('written before');
    },
  );

  it('on an older head is not shown', async () => {
    const { laptop, phone, kit } = await twoDevices('F19');
    await stopsWaiting(phone.passport.unlock(left));
    await laptop.passport.sync();
    const [request] = await laptop.passport.requests();
    expect(request).toMatchObject({ kind: 'unlock', from: 'phone' });
    expect(await laptop.passport.rename('kit-1', 'paper', { ...left, kits: [kit] })).toMatchObject({
      state: 'decided',
    });
    expect(await laptop.passport.requests()).toEqual([]);
    expect(await rejectionOf(laptop.passport.approve(request!.id, { number: 10, timeoutMs: 0 }))).toBe(
      'no-such-request',
    );
  });
});

describe('an own change', () => {
  it.each(['the machine was started again', 'its time is up'] as const)(
    'ends when %s, and another can be asked for',
    async (why) => {
      const { world, laptop, phone } = await twoDevices(`F16 ${why}`);
      const change = await laptop.passport.rename('kit-1', 'paper', left);
      await phone.passport.sync();
      if (why === 'its time is up') for (const { clock } of world.homes) clock.pass(21 * MINUTE);
      else laptop.home.clock.reboot();
      const again = await world.open(0);
      expect(await again.passport.finish(change.id, left)).toMatchObject({ state: 'expired' });
      for (const { clock } of world.homes) clock.pass(MINUTE);
      const other = await again.passport.rename('kit-1', 'sheet', left);
      expect(await world.settle(again, other, [phone])).toMatchObject({ state: 'decided', slot: 2 });
      expect(await standing(again)).toMatchObject({ sheet: 'active' });
    },
  );

  it('that ended is in nobody’s way when it was not looked at', async () => {
    const { world, laptop, phone } = await twoDevices('F16 unseen');
    await laptop.passport.rename('kit-1', 'paper', left);
    for (const { clock } of world.homes) clock.pass(21 * MINUTE);
    const other = await laptop.passport.rename('kit-1', 'sheet', left);
    expect(await world.settle(laptop, other, [phone])).toMatchObject({ state: 'decided' });
  });
});

describe('a store', () => {
  it('with names of slots far ahead is listed once a sync all the same', async () => {
    const { world, laptop, phone } = await twoDevices('F17');
    const forger = await Forger.of(world, phone);
    for (const slot of [0xffffffff, 2 ** 40 - 1]) {
      for (let i = 0; i < 3; i++) await forger.registry(slot, junk(forger), true);
    }
    await laptop.passport.sync();
    world.store().resetCount();
    for (let i = 0; i < 3; i++) {
      expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
    }
    expect(world.store().count).toEqual({ get: 0, put: 0, delete: 0, list: 3 });
  });

  it('that was rolled back is told from a current one, believed in nothing, and brought up again', async () => {
    const { world, laptop, phone, tablet } = await threeOnTwoStores('rolled back');
    const old = world.store('memory:two').clone();
    await world.unlock(laptop, phone);
    await laptop.passport.put('new', 'value');
    const change = await laptop.passport.rename('tablet', 'slate', left);
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided', slot: 3 });
    await laptop.passport.sync();
    world.stores.set('memory:two', old);
    const again = await world.open(0);
    const states = (report: Awaited<ReturnType<Passport['sync']>>) =>
      report.stores.map(({ url, state }) => [url, state]);
    expect(states(await again.passport.sync())).toEqual([
      ['memory:one', 'ok'],
      ['memory:two', 'rolled-back'],
    ]);
    expect(await again.passport.status()).toMatchObject({ slot: 3 });
    expect(states(await again.passport.sync())).toEqual([
      ['memory:one', 'ok'],
      ['memory:two', 'ok'],
    ]);
    // Who sees only the store that was rolled back gets everything from it.
    world.store('memory:one').fault = storeDown;
    await tablet.passport.sync();
    expect(await tablet.passport.status()).toMatchObject({ slot: 3 });
    await stopsWaiting(tablet.passport.unlock(left));
    await world.approveAll({ ...again });
    await tablet.passport.unlock(left);
    expect(await text(tablet, 'new')).toBe('value');
  });

  it.each(['x', 'y', 'z'])(
    'that shows a second certified entry freezes the registry, and the liar is named (%s)',
    async (seed) => {
      const { world, laptop, phone } = await threeOnTwoStores(`fork ${seed}`);
      // The phone votes once for the laptop, and, as a copy of it, once for the tablet.
      const other = world.clone('other side');
      const theirs = { laptop: await other.open(0), phone: await other.open(1), tablet: await other.open(2) };
      const one = await laptop.passport.rename('tablet', 'slate', left);
      expect(await world.settle(laptop, one, [phone])).toMatchObject({ state: 'decided', slot: 3 });
      const two = await theirs.tablet.passport.revoke('laptop', { ...left, kit: false });
      expect(await other.settle(theirs.tablet, two, [theirs.phone])).toMatchObject({ state: 'decided', slot: 3 });
      for (const [name, bytes] of other.store('memory:two').objects) {
        const parsed = parseName(name);
        if (parsed?.kind === 'registry' && parsed.slot === 3) await world.store('memory:two').put(name, bytes);
      }
      const report = await laptop.passport.sync();
      expect(report.notices.join()).toContain(
        'Two different changes were decided in slot 3: the registry is frozen. Provably voted twice: phone.',
      );
      expect((await laptop.passport.status()).warnings.join()).toContain('Voted twice: phone.');
      expect(await standing(laptop)).toMatchObject({ laptop: 'suspended', phone: 'active' });
      expect(await rejectionOf(laptop.passport.rename('phone', 'pocket', left))).toBe('registry-fork');
      // The records can still be read, to take them out.
      await world.unlock(laptop, phone);
      expect(await text(laptop, 'old')).toBe(undefined);
      // The first store alone says nothing of it: who sees only that one goes on until it sees the other one.
      world.store('memory:two').fault = storeDown;
      const again = await world.open(1);
      await again.passport.sync();
      expect((await again.passport.status()).slot).toBe(3);
      world.store('memory:two').fault = () => undefined;
      await again.passport.sync();
      expect(await rejectionOf(again.passport.rename('laptop', 'tower', left))).toBe('registry-fork');
    },
  );
});

describe('an acknowledgement of an epoch by a device that has left', () => {
  it('destroys no keys', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('F21');
    const forger = await Forger.of(world, phone);
    // The thief says in advance that he has opened the epoch to come.
    const ack = await forger.commit({ acks: [3] });
    await laptop.passport.sync();
    let hidden = true;
    blind(tablet.home, (name) => hidden && name === ack);
    const other = { ...tablet, passport: (await world.open(2)).passport };
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    expect(await world.settle(laptop, change, [other])).toMatchObject({ state: 'decided', slot: 3 });
    await other.passport.sync();
    hidden = false;
    await other.passport.sync();
    const device = await inside(tablet.home);
    const keys = () => device.asMember(async ({ secrets }) => secrets.receive.length);
    expect(await other.passport.status()).toMatchObject({ epoch: 3 });
    expect(await keys()).toBe(2);
    // Nor if it were noted.
    await device.transact(async ({ tx }) => tx.set('acks', [[forger.voter.id, 3]]));
    await other.passport.sync();
    expect(await keys()).toBe(2);
    await world.unlock(other, laptop);
    await other.passport.sync();
    expect(await keys()).toBe(1);
  });
});
