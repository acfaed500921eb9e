/** How a device comes in: invitation, answer, words, the change; and everything that must not let one in. */
import { beforeEach, describe, expect, it } from 'vitest';

import { type Bytes, copy, hex } from '../../src/bytes.ts';
import type { Value } from '../../src/cbor.ts';
import { hpkeOpen, hpkeSeal, receiveKey } from '../../src/crypto/hpke.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { signingKey } from '../../src/crypto/sign.ts';
import { info as infoOf } from '../../src/crypto/statements.ts';
import { pairTag, parseName, storeRoot } from '../../src/format/names.ts';
import { mailName } from '../helpers/names.ts';
import {
  encodeHello,
  encodeInvitation,
  encodeReveal,
  invitationLink,
  parseHello,
  parseLink,
  parseReveal,
} from '../../src/format/pairing.ts';
import { Passport } from '../../src/index.ts';
import { type EntryInfo, holdersOf } from '../../src/registry/state.ts';
import { sealPair, signPossession } from '../../src/ceremonies/pairing.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { inside } from '../helpers/hostile.ts';
import {
  DAY,
  type Home,
  type Member,
  MINUTE,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  World,
  wordsOf,
} from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

describe('a device comes in', () => {
  it('in the place of a kit, by default the newest one', async () => {
    const { world, laptop, phone } = await twoDevices('replace-kit');
    const tablet = await world.enroll('tablet', phone, { approvers: [laptop] });
    expect((await tablet.passport.devices()).map(({ name, state }) => [name, state])).toEqual([
      ['laptop', 'active'],
      ['kit-1', 'revoked'],
      ['kit-2', 'revoked'],
      ['phone', 'active'],
      ['tablet', 'active'],
    ]);
    expect(await tablet.passport.status()).toMatchObject({ device: 'tablet', epoch: 2, slot: 2, holders: 3 });
    await world.unlock(tablet, laptop);
    expect(await text(tablet, 'old')).toBe('written before');
  });

  it('with --add, and a threshold that keeps a majority where that is needed', async () => {
    const { world, laptop, phone } = await threeDevices('add');
    const fourth = await world.enroll('desktop', laptop, { add: true, approvers: [phone] });
    expect(await fourth.passport.status()).toMatchObject({ threshold: 3, holders: 4, canLose: 1 });
    const fifth = await world.enroll('server', laptop, { add: true, threshold: 3, approvers: [phone, fourth] });
    expect(await fifth.passport.status()).toMatchObject({ threshold: 3, holders: 5, canLose: 2 });
  });

  it('in the place of a lost one: that one is revoked in the same entry', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('replace-lost');
    const fresh = await world.enroll('phone-2', laptop, { replace: 'phone', approvers: [tablet] });
    expect((await fresh.passport.devices()).filter(({ state }) => state === 'active').map(({ name }) => name)).toEqual([
      'laptop',
      'tablet',
      'phone-2',
    ]);
    await phone.passport.sync();
    expect(await rejectionOf(phone.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }))).toBe('revoked');
  });

  it('in the place of a device that approves it itself: an old phone lets the new one in', async () => {
    const { world, laptop, phone } = await threeDevices('replace-old');
    const fresh = await world.enroll('phone-2', laptop, { replace: 'phone', approvers: [phone] });
    expect((await fresh.passport.log()).at(-1)).toMatchObject({ approvedBy: ['laptop', 'phone'] });
    await phone.passport.sync();
    expect(await rejectionOf(phone.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }))).toBe('revoked');
  });

  it('with the vote of the very kit that it replaces', async () => {
    const { world, laptop, kit } = await twoDevices('replace-typed');
    const tablet = await world.enroll('tablet', laptop, { replace: 'kit-1', kits: [kit] });
    expect((await tablet.passport.log()).at(-1)?.approvedBy).toEqual(['laptop', 'kit-1']);
  });

  it('only under a name that nobody has, and never to a threshold without a majority', async () => {
    const { world, laptop, kit } = await twoDevices('names');
    await expect(world.enroll('phone', laptop, { kits: [kit] })).rejects.toMatchObject({ code: 'name-taken' });
    const again = await twoDevices('policy');
    await expect(
      again.world.enroll('tablet', again.laptop, { add: true, threshold: 2, kits: [again.kit] }),
    ).rejects.toMatchObject({ code: 'policy-unsafe' });
  });

  it('in no place of somebody who is not there, or of a kit where there is none', async () => {
    const { laptop } = await threeDevices('no-kit');
    expect(await rejectionOf(laptop.passport.invite())).toBe('usage');
    expect(await rejectionOf(laptop.passport.invite({ replace: 'kit-1' }))).toBe('no-such-device');
  });

  it('in no place of the inviting device itself, and not to an unsafe mesh: said before anybody is invited', async () => {
    const { laptop } = await threeDevices('invite-refused');
    expect(await rejectionOf(laptop.passport.invite({ replace: 'laptop' }))).toBe('usage');
    expect(await rejectionOf(laptop.passport.invite({ add: true, threshold: 2 }))).toBe('policy-unsafe');
    expect(await rejectionOf(laptop.passport.invite({ replace: 'phone', threshold: 4 }))).toBe('policy-unsafe');
    for (const threshold of [1, 1.5, 2.5, NaN, -1, 0, 2 ** 53])
      expect(await rejectionOf(laptop.passport.invite({ replace: 'phone', threshold }))).toBe('policy-unsafe');
    expect(await laptop.passport.requests()).toEqual([]);
  });

  it('while all of them run at the same time, as in life', async () => {
    const { world, laptop, phone } = await threeDevices('concurrent');
    const home = world.home();
    for (const { clock } of world.homes) clock.pauseMs = 3;
    const { person } = home.environment;
    const shown = new Promise<void>((resolve) => {
      home.environment.person = {
        ...person,
        tell(event) {
          person.tell(event);
          if (event.event === 'words') resolve();
        },
      };
    });
    const { id, link } = await laptop.passport.invite({ add: true, threshold: 3 });
    const joining = Passport.join(home.environment, link, { name: 'desktop', timeoutMs: DAY });
    await laptop.passport.awaitAnswer(id);
    await shown;
    const enrolling = laptop.passport.enroll(id, {
      ...{ words: wordsOf(home).join(' '), passphrase: PASSPHRASE, timeoutMs: DAY },
    });
    const ended = { yes: false };
    const finished = enrolling.finally(() => {
      ended.yes = true;
    });
    while (!ended.yes) {
      await world.approveAll(phone);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect(await finished).toMatchObject({ state: 'decided' });
    expect((await (await joining).status()).holders).toBe(4);
  });
});

describe('an invitation', () => {
  let world: World;
  let laptop: Member;
  let kit: string;
  let home: Home;
  let id: string;
  let link: string;
  const join = (at: Home = home, name = 'tablet') => Passport.join(at.environment, link, { name, timeoutMs: 0 });
  const enroll = (typed: string) =>
    laptop.passport.enroll(id, { words: typed, passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 });
  const answered = async () => {
    await stopsWaiting(join());
    await laptop.passport.sync();
    await stopsWaiting(join());
  };
  /** All of it but the last step of the new device: the entry that lets it in is decided. */
  const letIn = async () => {
    await answered();
    const change = await enroll(wordsOf(home).join(' '));
    await stopsWaiting(join());
    await laptop.passport.finish(change.id, { passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 });
  };
  const slot = async () => (await laptop.passport.status()).slot;

  beforeEach(async (context) => {
    ({ world, laptop, kit } = await twoDevices(context.task.name));
    home = world.home();
    ({ id, link } = await laptop.passport.invite());
  });

  it('shows three words that both devices compute, and the eight words of the new keys', async () => {
    await answered();
    const shown = home.events.find(({ event }) => event === 'words');
    expect(shown).toMatchObject({ id, words: [expect.any(String), expect.any(String), expect.any(String)] });
    const [request] = await laptop.passport.requests();
    expect(request).toMatchObject({ id, kind: 'pairing', from: 'tablet', mine: true });
    const fingerprint = shown?.event === 'words' ? shown.fingerprint.join(' ') : '';
    expect(request?.card.lines.join()).toContain(fingerprint);
    await enroll(`  ${wordsOf(home).join(' , ').toUpperCase()} `);
    await stopsWaiting(join());
    await laptop.passport.finish((await laptop.passport.requests())[0]!.id, {
      ...{ passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 },
    });
    const tablet = await join();
    expect((await tablet.devices()).find(({ me }) => me)).toMatchObject({ name: 'tablet', fingerprint });
  });

  it('is void after wrong words: nothing is enrolled, and the new home is empty again', async () => {
    await answered();
    expect(await rejectionOf(enroll('zoo zoo zoo'))).toBe('words-mismatch');
    expect(await rejectionOf(enroll(wordsOf(home).join(' ')))).toBe('no-such-request');
    expect(await rejectionOf(join())).toBe('words-mismatch');
    expect(await Passport.peek(home.environment)).toBeUndefined();
    expect(home.keystore.blobs.size).toBe(0);
    expect(await slot()).toBe(1);
  });

  it('is void when the person at the new device says no', async () => {
    home.confirms = () => false;
    await stopsWaiting(join());
    await laptop.passport.sync();
    expect(await rejectionOf(join())).toBe('refused');
    expect(await Passport.peek(home.environment)).toBeUndefined();
  });

  it('is void when the person at the inviting device refuses', async () => {
    await answered();
    await laptop.passport.refuse(id);
    expect(await rejectionOf(join())).toBe('refused');
    expect(await rejectionOf(enroll(wordsOf(home).join(' ')))).toBe('no-such-request');
  });

  it('is burnt by a second answer, and both that answered are told', async () => {
    await answered();
    const other = world.home();
    await stopsWaiting(join(other, 'thief'));
    await laptop.passport.sync();
    expect(await rejectionOf(enroll(wordsOf(home).join(' ')))).toBe('pairing-contested');
    expect(await rejectionOf(join())).toBe('pairing-contested');
    expect(await Passport.peek(home.environment)).toBeUndefined();
    expect(await slot()).toBe(1);
  });

  it('is burnt by a second answer that comes in the same sync, whichever is seen first', async () => {
    const other = world.home();
    await stopsWaiting(join());
    await stopsWaiting(join(other, 'thief'));
    await laptop.passport.sync();
    expect(await rejectionOf(laptop.passport.awaitAnswer(id, { timeoutMs: 0 }))).toBe('pairing-contested');
    expect(await slot()).toBe(1);
  });

  it('cannot be stopped by a second answer once the words were compared', async () => {
    await answered();
    const change = await enroll(wordsOf(home).join(' '));
    await stopsWaiting(join());
    await stopsWaiting(join(world.home(), 'thief'));
    await laptop.passport.finish(change.id, { passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 });
    const tablet = await join();
    expect((await tablet.devices()).map(({ name }) => name)).toEqual(['laptop', 'kit-1', 'kit-2', 'phone', 'tablet']);
  });

  it('ends after ten minutes of the inviting device’s own time, whatever its clock says', async () => {
    await answered();
    laptop.home.clock.time -= 365 * 24 * 60 * MINUTE;
    laptop.home.clock.pass(10 * MINUTE + 1);
    expect(await rejectionOf(enroll(wordsOf(home).join(' ')))).toBe('expired');
    expect(await slot()).toBe(1);
  });

  it('ends with the boot of the inviting device', async () => {
    await answered();
    laptop.home.clock.reboot();
    expect(await rejectionOf(enroll(wordsOf(home).join(' ')))).toBe('expired');
  });

  it('can be cancelled before and after the answer', async () => {
    await laptop.passport.cancel(id);
    await stopsWaiting(join());
    expect(await rejectionOf(enroll('a b c'))).toBe('no-such-request');
    ({ id, link } = await laptop.passport.invite());
    const fresh = world.home();
    await stopsWaiting(join(fresh));
    await laptop.passport.sync();
    await laptop.passport.cancel(id);
    expect(await rejectionOf(enroll('a b c'))).toBe('no-such-request');
    expect(await slot()).toBe(1);
  });

  it('is one at a time: a new one ends the one before', async () => {
    const before = id;
    ({ id, link } = await laptop.passport.invite());
    expect(id).not.toBe(before);
    expect(await rejectionOf(laptop.passport.awaitAnswer(before, { timeoutMs: 0 }))).toBe('no-such-request');
  });

  it('names the passport by words and its stores by id; it holds no key of it', async () => {
    await answered();
    expect(home.events.find(({ event }) => event === 'waiting')).toMatchObject({
      what: expect.stringContaining('Joining passport'),
    });
    const { data } = parseLink(link);
    expect(data.stores.map(({ url }) => url)).toEqual(['memory:one']);
    expect(hex(data.pid)).toBe((await laptop.passport.status()).passport);
  });

  it.each(['', 'https://example.org', 'passport:join#', 'passport:join#AAAA', 'passport:join#!'])(
    'is no invitation: %j',
    async (bad) => {
      expect(await rejectionOf(Passport.join(home.environment, bad, { name: 'tablet' }))).toBe('usage');
    },
  );

  it('lets nobody into a home that has a passport', async () => {
    expect(await rejectionOf(Passport.join(laptop.home.environment, link, { name: 'laptop-2' }))).toBe(
      'passport-exists',
    );
    const other = await new World('other').create();
    expect(await rejectionOf(Passport.join(other.home.environment, link, { name: 'x' }))).toBe('passport-exists');
    const tablet = await world.enroll('tablet', laptop, { kits: [kit], home });
    ({ id, link } = await laptop.passport.invite({ add: true, threshold: 3 }));
    expect(await rejectionOf(join(tablet.home))).toBe('passport-exists');
  });

  it('that brought the device in gives it again, for who could not see that it did', async () => {
    await letIn();
    await join();
    expect(await (await join()).status()).toMatchObject({ device: 'tablet', slot: 2 });
  });

  it.each(['nobody', 'a kit', 'a device with another key', 'a device that came in later'] as const)(
    'made by %s lets nobody in',
    async (who) => {
      const { state } = await (await inside(laptop.home)).asMember(async (view) => view);
      const paper = holdersOf(state).find((holder) => holder.kind === 'kit')!;
      await letIn();
      const random = seededRandom(`inviter ${who}`);
      const honest = await inviterOf(home);
      const { secrets } = await (await inside(home)).transact(async (view) => view);
      await setInviter(
        home,
        {
          nobody: { holder: random(16), signKey: honest.signKey },
          'a kit': { holder: paper.id, signKey: paper.signKey },
          'a device with another key': { holder: honest.holder, signKey: signingKey(random).publicKey },
          'a device that came in later': { holder: secrets.deviceId, signKey: secrets.signKey },
        }[who],
      );
      expect(await rejectionOf(join())).toBe('pairing-failed');
      await setInviter(home, honest);
      expect((await (await join()).status()).device).toBe('tablet');
    },
  );

  it('made by a device that had left lets nobody in', async () => {
    ({ id, link } = await laptop.passport.invite({ replace: 'phone' }));
    await letIn();
    const { state } = await (await inside(laptop.home)).asMember(async (view) => view);
    const phone = state.members.find(({ name }) => name === 'phone')!;
    const [, here, gone] = state.entries as [EntryInfo, EntryInfo, EntryInfo];
    await setInviter(home, { holder: phone.id, signKey: phone.signKey, head: gone.id });
    expect(await rejectionOf(join())).toBe('pairing-failed');
    await setInviter(home, { holder: phone.id, signKey: phone.signKey, head: here.id });
    expect((await (await join()).status()).device).toBe('tablet');
  });

  it('that came to nothing does not spoil the home: it takes the next one', async () => {
    await answered();
    laptop.home.clock.pass(11 * MINUTE);
    ({ id, link } = await laptop.passport.invite());
    const tablet = await world.enroll('tablet', laptop, { kits: [kit], home });
    expect(await tablet.passport.status()).toMatchObject({ device: 'tablet', slot: 2 });
  });

  it('that was left is taken up by the next process, which shows the words again and asks once', async () => {
    await answered();
    home.events.length = 0;
    await stopsWaiting(join());
    await enroll(wordsOf(home).join(' '));
    await stopsWaiting(join());
    expect(home.cards).toHaveLength(1);
    home.confirms = () => false; // is not asked
    const [open] = await laptop.passport.requests();
    await laptop.passport.finish(open!.id, { passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 });
    expect((await (await join()).status()).device).toBe('tablet');
  });

  it('is confirmed by the person at the new device before that accepts its role', async () => {
    await stopsWaiting(join());
    await laptop.passport.sync();
    home.confirms = () => {
      throw new Error('the process ends at the question');
    };
    await expect(join()).rejects.toThrow('the process ends');
    await enroll(wordsOf(home).join(' '));
    home.confirms = () => false;
    expect(await rejectionOf(join())).toBe('refused');
    expect(await slot()).toBe(1);
  });

  it('that points at a store which does not know it waits, and nothing is lost', async () => {
    const { data } = parseLink(link);
    const elsewhere = invitationLink(
      encodeInvitation({ ...data, stores: [{ url: 'memory:two', id: data.stores[0]!.id }] }),
    );
    await stopsWaiting(Passport.join(home.environment, elsewhere, { name: 'tablet', timeoutMs: 0 }));
  });

  it('is answered whole: a message swapped on the way gives other words and lets nobody in', async () => {
    // The attacker owns the store and has photographed the link: it answers itself, under a key of its own, towards A, and
    // plays A towards B as far as it can.
    await stopsWaiting(join());
    const { data, bytes } = parseLink(link);
    const store = world.store();
    const root = storeRoot(data.stores[0]!.id);
    const m1 = [...store.objects.keys()].find((name) => name.includes(pairTag(data.secret, 1)))!;
    store.objects.delete(m1);
    const random = seededRandom('mallory');
    const sign = signingKey(random);
    const receive = receiveKey(random);
    const keys = { signKey: sign.publicKey, receiveKey: receive.publicKey, nonce: random(32) };
    const hI = sha256(bytes);
    const possession = signPossession(sign.seed, data.pid, data.iid, hI, keys);
    const forged = encodeHello({ ...keys, kind: 'device', name: 'tablet', platform: '', possession });
    const sealed = await sealPair(data.ephemeralKey, data, 1, [hI], forged, random);
    await store.put(mailName(root, pairTag(data.secret, 1), sealed), sealed);
    await laptop.passport.sync();
    expect(await laptop.passport.awaitAnswer(id, { timeoutMs: 0 })).toMatchObject({ name: 'tablet' });
    // A's answer is sealed to the attacker and bound to its M1: B finds nothing that it believes, shows no words.
    await stopsWaiting(join());
    expect(home.events.filter(({ event }) => event === 'words')).toEqual([]);
    // The attacker opens it and seals it again for B: B sees that it does not answer its own message.
    const m2 = [...store.objects].find(([name]) => name.includes(pairTag(data.secret, 2)))!;
    const info = (hM1: Uint8Array<ArrayBuffer>) => ({
      psk: data.secret,
      pskId: data.iid,
      info: pairInfo(data.pid, data.iid, hI, hM1),
    });
    const plaintext = await hpkeOpen(receive.privateKey, info(sha256(forged)), m2[1]);
    const hello = await helloOf(home);
    const again = await hpkeSeal(hello.receiveKey, info(sha256(hello.bytes)), plaintext, random);
    await store.put(mailName(root, pairTag(data.secret, 2), again), again);
    expect(await rejectionOf(join())).toBe('pairing-failed');
    expect(await rejectionOf(enroll('zoo zoo zoo'))).toBe('words-mismatch');
    expect(await slot()).toBe(1);
  });

  it('is answered once by who answers it twice with the same bytes', async () => {
    await answered();
    const name = [...world.store().objects.keys()].find((each) => parseName(each)?.kind === 'mail')!;
    await world.store().put(name, copy(world.store().objects.get(name)!));
    await laptop.passport.sync();
    expect(await laptop.passport.awaitAnswer(id, { timeoutMs: 0 })).toMatchObject({ name: 'tablet' });
  });

  it('leaves nothing in the stores but the registry: its messages are taken away', async () => {
    const tablet = await world.enroll('tablet', laptop, { kits: [kit] });
    laptop.home.clock.pass(30 * MINUTE);
    await tablet.passport.sync();
    await laptop.passport.sync();
    const mails = [...world.store().objects.keys()].filter((name) => parseName(name)?.kind === 'mail');
    expect(mails).toEqual([]);
  });
});

function pairInfo(pid: Uint8Array<ArrayBuffer>, iid: Uint8Array<ArrayBuffer>, ...bound: Uint8Array<ArrayBuffer>[]) {
  return infoOf(pid, 'pair-2', iid, ...bound);
}

/** What a joining device said in M1. */
async function helloOf(home: Home) {
  const device = await inside(home);
  const [, bytes] = (await device.replica.read('joining')) as [unknown, Bytes];
  return { ...parseHello(bytes), bytes };
}

/** What M2 told a joining device. */
async function inviterOf(home: Home) {
  const device = await inside(home);
  const [, , , bytes] = (await device.replica.read('joining')) as [unknown, unknown, unknown, Bytes];
  return parseReveal(bytes);
}

/** As if M2 had named another inviting device, and everything since had fitted it. */
async function setInviter(home: Home, inviter: { holder: Bytes; signKey: Bytes; head?: Bytes }) {
  const device = await inside(home);
  const reveal = encodeReveal({ ...(await inviterOf(home)), ...inviter });
  await device.transact(async ({ tx }) => {
    const joining = (await tx.get('joining')) as Value[];
    tx.set('joining', joining.with(3, reveal));
  });
}
