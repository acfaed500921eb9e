/** Opening the records for a while: from kits, from other devices whose person says yes; and every way that must fail. */
import { describe, expect, it } from 'vitest';

import type { Bytes } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { sendMail } from '../../src/ceremonies/mail.ts';
import { ownUnlock, unlockRequests } from '../../src/ceremonies/unlock.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hpkeSeal } from '../../src/crypto/hpke.ts';
import { signStatement } from '../../src/crypto/sign.ts';
import { info } from '../../src/crypto/statements.ts';
import { Device } from '../../src/device/device.ts';
import { Passport } from '../../src/index.ts';
import { holderOf, holdersOf } from '../../src/registry/state.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { hide, inside } from '../helpers/hostile.ts';
import {
  contents,
  DAY,
  type Home,
  type Member,
  MINUTE,
  noticesOf,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  World,
  words,
} from '../helpers/mesh.ts';

const asked = { passphrase: PASSPHRASE, timeoutMs: 0 };
const HOUR = 60 * MINUTE;

/** A device whose person says yes, and which sends another share than its own. */
async function answerWith(home: Home, share: Uint8Array<ArrayBuffer>): Promise<void> {
  const passport = await Passport.open(home.environment);
  await passport.sync();
  const pid = (await home.journal.get('n/passport'))!;
  const device = await Device.open(home.environment, pid, await home.keystore.openKey());
  await device.asMember(async (view) => {
    const [request] = await unlockRequests(device, view);
    const { rid, hash, initiator, epoch, oneTimeKey } = request!;
    const common = [epoch, rid, hash, initiator, view.secrets.deviceId] as const;
    const sealed = { info: info(pid, 'unlock-share', ...common, oneTimeKey) };
    const box = await hpkeSeal(oneTimeKey, sealed, share, device.random);
    const signed = signStatement(view.secrets.signSeed, pid, 'unlock-answer', ...common, sha256(box));
    const to = holderOf(view.state, initiator)!;
    await sendMail(device, view, to, { kind: 'share', id: rid, body: encode([hash, box, signed]) });
  });
  await passport.sync();
}

interface CancelParts {
  readonly use?: string;
  readonly seed?: Bytes;
  /** The request that it names, and the one that it signs. */
  readonly hash?: Bytes;
  readonly signed?: Bytes;
  readonly body?: Bytes;
}

/** The asking device takes its open unlock back at the other device, with something in the cancel changed. */
async function cancelWith(home: Home, parts: CancelParts): Promise<void> {
  const device = await inside(home);
  await device.asMember(async (view) => {
    const { rid, hash } = (await ownUnlock(view, device.pid))!;
    const { seed = view.secrets.signSeed, use = 'unlock-cancel' } = parts;
    const signature = signStatement(seed, device.pid, use, rid, parts.signed ?? hash);
    const body = parts.body ?? encode([parts.hash ?? hash, signature]);
    const to = holdersOf(view.state).find(({ name }) => name === 'laptop')!;
    await sendMail(device, view, to, { kind: 'cancel', id: rid, body });
  });
  await (await Passport.open(home.environment)).sync();
}

async function requestOf(member: Member) {
  await member.passport.sync();
  const [request] = await member.passport.requests();
  return request!;
}

describe('an unlock', () => {
  it('by another device: its person types the number that the asking one shows', async () => {
    const { world, laptop, phone } = await threeDevices('mesh');
    await stopsWaiting(phone.passport.unlock({ ...asked, purpose: 'taxes', ttlMs: 2 * HOUR }));
    const request = await requestOf(laptop);
    expect(request).toMatchObject({
      ...{ kind: 'unlock', from: 'phone', mine: false, approved: false },
      card: {
        title: '"phone" asks to unlock the passport',
        lines: ['For 2 hours: taxes'],
        warnings: ['Approve only if you are at "phone" now: it will read all records'],
      },
    });
    expect((await phone.passport.requests())[0]).toMatchObject({ mine: true, number: world.number(request.id) });
    const number = world.number(request.id);
    expect(await laptop.passport.approve(request.id, { number, timeoutMs: 0 })).toEqual({ state: 'answered' });
    const session = await phone.passport.unlock({ ...asked, ttlMs: 2 * HOUR });
    expect(session.until).toBe(phone.home.clock.now() + 2 * HOUR);
    expect(await text(phone, 'old')).toBe('written before');
    expect(await phone.passport.requests()).toEqual([]);
    await laptop.passport.sync();
    expect(await laptop.passport.requests()).toEqual([]);
  });

  it('is refused with a wrong number, and not answered without one', async () => {
    const { world, laptop, phone } = await twoDevices('number');
    await stopsWaiting(phone.passport.unlock(asked));
    const { id } = await requestOf(laptop);
    expect(await rejectionOf(laptop.passport.approve(id, { timeoutMs: 0 }))).toBe('number-mismatch');
    expect((await requestOf(laptop)).id).toBe(id);
    const number = 10 + ((world.number(id) - 9) % 90);
    expect(await rejectionOf(laptop.passport.approve(id, { number, timeoutMs: 0 }))).toBe('number-mismatch');
    expect(await laptop.passport.requests()).toEqual([]);
    expect(await rejectionOf(phone.passport.unlock(asked))).toBe('refused');
    await stopsWaiting(phone.passport.unlock(asked));
    await world.approveAll(laptop);
    await phone.passport.unlock(asked);
  });

  it('by a kit, without any other device and without any store', async () => {
    const { world, laptop, kit } = await twoDevices('kit');
    const before = { ...world.store().count };
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    expect(await text(laptop, 'old')).toBe('written before');
    expect(world.store().count).toEqual(before);
  });

  it('fails with a wrong passphrase, and with the right one is not asked of the others again', async () => {
    const { world, laptop, phone } = await twoDevices('wrong-passphrase');
    await stopsWaiting(phone.passport.unlock({ passphrase: 'a guess', timeoutMs: 0 }));
    await world.approveAll(laptop);
    expect(await rejectionOf(phone.passport.unlock({ passphrase: 'a guess', timeoutMs: 0 }))).toBe('wrong-passphrase');
    await phone.passport.unlock(asked);
    expect(await text(phone, 'old')).toBe('written before');
  });

  it.each([31 * DAY, 0, -1, Number.NaN])('for %s ms is refused before anybody is asked', async (ttlMs) => {
    const { world, phone } = await twoDevices('too-long');
    const before = { ...world.store().count };
    expect(await rejectionOf(phone.passport.unlock({ ...asked, ttlMs }))).toBe('usage');
    expect(phone.home.events).toEqual([]);
    expect(world.store().count).toEqual(before);
  });

  it('asks the person for the passphrase, twice more after mistakes', async () => {
    const { laptop, kit } = await twoDevices('asked');
    const typed = ['one', 'two', PASSPHRASE];
    laptop.home.environment.person.passphrase = async () => typed.shift() ?? '';
    await laptop.passport.unlock({ kits: [kit] });
    expect(noticesOf(laptop.home)).toHaveLength(2);
    const more = ['one', 'two', 'three', PASSPHRASE];
    laptop.home.environment.person.passphrase = async () => more.shift() ?? '';
    expect(await rejectionOf(laptop.passport.unlock({ kits: [kit] }))).toBe('wrong-passphrase');
    expect(more).toEqual([PASSPHRASE]);
  });

  it('takes the passphrase as typed, normalised: no trimming', async () => {
    const { laptop, kit } = await twoDevices('normalised');
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: `${PASSPHRASE} `, kits: [kit] }))).toBe(
      'wrong-passphrase',
    );
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: '', kits: [kit] }))).toBe('passphrase-invalid');
  });

  it.each(['foreign', 'old'] as const)('fails with a %s kit', async (which) => {
    const { laptop, oldKit } = await twoDevices(`kit-${which}`);
    const other = await new World('foreign').create();
    const kit = which === 'old' ? oldKit : words(other.kits[0]!);
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] }))).toBe('kit-unknown');
  });

  it('fails at once where there is nobody to ask', async () => {
    const world = new World('alone');
    const laptop = await world.create();
    await laptop.passport.lock();
    expect(await rejectionOf(laptop.passport.unlock(asked))).toBe('not-enough-holders');
    expect(await rejectionOf(laptop.passport.unlock({ ...asked, kits: ['zoo '.repeat(24)] }))).toBe('kit-invalid');
  });

  it('is refused by so many that the others are too few', async () => {
    const { laptop, phone, tablet } = await threeDevices('refused');
    await stopsWaiting(phone.passport.unlock(asked));
    for (const member of [laptop, tablet]) await member.passport.refuse((await requestOf(member)).id);
    expect(await rejectionOf(phone.passport.unlock(asked))).toBe('refused');
    expect(await phone.passport.requests()).toEqual([]);
  });

  it('can be taken back: the others are asked no more', async () => {
    const { laptop, phone } = await twoDevices('cancelled');
    await stopsWaiting(phone.passport.unlock(asked));
    const { id } = await requestOf(laptop);
    await phone.passport.cancel(id);
    await laptop.passport.sync();
    expect(await laptop.passport.requests()).toEqual([]);
    expect(await rejectionOf(laptop.passport.approve(id, { number: 10, timeoutMs: 0 }))).toBe('no-such-request');
  });

  it('expires after ten minutes, on both sides', async () => {
    const { world, laptop, phone } = await twoDevices('expired');
    await stopsWaiting(phone.passport.unlock(asked));
    const { id } = await requestOf(laptop);
    for (const { clock } of world.homes) clock.pass(11 * MINUTE);
    expect(await laptop.passport.requests()).toEqual([]);
    await stopsWaiting(phone.passport.unlock(asked));
    expect((await requestOf(laptop)).id).not.toBe(id);
  });

  it('whose asking device was rebooted is asked again: the key to the answers is gone', async () => {
    const { world, laptop, phone } = await twoDevices('reboot');
    await stopsWaiting(phone.passport.unlock(asked));
    await world.approveAll(laptop);
    phone.home.clock.reboot();
    const again = await world.open(1);
    await stopsWaiting(again.passport.unlock(asked));
    await world.approveAll(laptop);
    await again.passport.unlock(asked);
    expect(await text(again, 'old')).toBe('written before');
  });

  it('that was left is taken up by the next process', async () => {
    const { world, laptop, phone } = await twoDevices('left');
    await stopsWaiting(phone.passport.unlock(asked));
    const { id } = await requestOf(laptop);
    await phone.passport.close();
    await world.approveAll(laptop);
    const again = await world.open(1);
    await again.passport.unlock(asked);
    expect((await laptop.passport.requests()).map((request) => request.id)).not.toContain(id);
  });

  it('is not answered twice: the same request, served again, says nothing', async () => {
    const { world, laptop, phone } = await twoDevices('replay');
    await stopsWaiting(phone.passport.unlock(asked));
    const mail = [...world.store().objects].filter(([name]) => name.includes('/hot/m-'));
    await world.approveAll(laptop);
    await phone.passport.unlock(asked);
    await laptop.passport.sync();
    for (const [name, bytes] of mail) await world.store().put(name, bytes);
    await laptop.passport.sync();
    expect(await laptop.passport.requests()).toEqual([]);
  });

  it('that waits while the mesh gets new keys is asked again by itself', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('epoch-meanwhile');
    for (const { clock } of world.homes) clock.pauseMs = 3;
    const unlocking = phone.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: DAY });
    const next = await tablet.passport.reshare({ threshold: 3, noSpare: true, ...asked });
    await world.settle(tablet, next, [laptop]);
    const ended = { yes: false };
    const waiting = unlocking.finally(() => {
      ended.yes = true;
    });
    while (!ended.yes) {
      for (const member of [laptop, tablet]) await world.approveAll(member);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await waiting;
    expect(await text(phone, 'old')).toBe('written before');
  });

  it('does not count a share that is not the one that was dealt: the next answer does it, and the liar is named', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('liar');
    await stopsWaiting(phone.passport.unlock(asked));
    await answerWith(laptop.home, new Uint8Array(33).fill(7));
    await stopsWaiting(phone.passport.unlock(asked));
    await world.approveAll(tablet);
    await phone.passport.unlock(asked);
    expect(noticesOf(phone.home)).toEqual(['The share of "laptop" is wrong and was not used.']);
    expect(await text(phone, 'old')).toBe('written before');
  });

  it('with nothing but bad shares and a no ends as not-enough-holders', async () => {
    const { laptop, phone, tablet } = await threeDevices('liar-alone');
    await stopsWaiting(phone.passport.unlock(asked));
    await answerWith(laptop.home, new Uint8Array(33).fill(7));
    await tablet.passport.refuse((await requestOf(tablet)).id);
    expect(await rejectionOf(phone.passport.unlock(asked))).toBe('not-enough-holders');
    expect(await phone.passport.requests()).toEqual([]);
  });

  it.each([32, 34])('does not count an answer with a share of %i bytes: it is none', async (length) => {
    const { laptop, phone, tablet } = await threeDevices(`length ${length}`);
    await stopsWaiting(phone.passport.unlock(asked));
    await answerWith(laptop.home, new Uint8Array(length).fill(7));
    await tablet.passport.refuse((await requestOf(tablet)).id);
    await stopsWaiting(phone.passport.unlock(asked)); // for the laptop, which has not answered yet
    expect(await phone.passport.requests()).toMatchObject([{ kind: 'unlock', mine: true }]);
  });

  it('across a change of the epoch is asked again: an answer of the old one opens nothing', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('epoch');
    await stopsWaiting(phone.passport.unlock(asked));
    await world.approveAll(laptop);
    const change = await tablet.passport.reshare({ threshold: 3, noSpare: true, ...asked });
    await world.settle(tablet, change, [laptop, phone]);
    await stopsWaiting(phone.passport.unlock(asked));
    await world.approveAll(laptop);
    await world.approveAll(tablet);
    await phone.passport.unlock(asked);
    expect(await text(phone, 'old')).toBe('written before');
  });
});

describe('the cancel of an unlock', () => {
  const other = new Uint8Array(32);
  const cancels: readonly [string, CancelParts, readonly string[]][] = [
    ['that is signed for it takes it back', {}, []],
    ['signed for another use does not', { use: 'unlock-refuse' }, ['unlock']],
    ['signed with another key does not', { seed: other }, ['unlock']],
    ['of another request does not, though signed', { hash: other, signed: other }, ['unlock']],
    ['that names another request than it signs does not', { hash: other }, ['unlock']],
    ['whose signature is of another request does not', { signed: other }, ['unlock']],
    ['that is no cancel does not', { body: other }, ['unlock']],
  ];

  it.each(cancels)('%s: the request came before', async (name, parts, open) => {
    const { laptop, phone } = await twoDevices(`cancel ${name}`);
    await stopsWaiting(phone.passport.unlock(asked));
    await requestOf(laptop);
    await cancelWith(phone.home, parts);
    await laptop.passport.sync();
    expect((await laptop.passport.requests()).map(({ kind }) => kind)).toEqual(open);
  });

  it.each(cancels)('%s: the request comes after', async (name, parts, open) => {
    const { world, laptop, phone } = await twoDevices(`cancel first ${name}`);
    const before = new Set(world.store().objects.keys());
    await stopsWaiting(phone.passport.unlock(asked));
    const reveal = hide(world.store(), (each) => !before.has(each));
    await cancelWith(phone.home, parts);
    await laptop.passport.sync();
    reveal();
    await laptop.passport.sync();
    expect((await laptop.passport.requests()).map(({ kind }) => kind)).toEqual(open);
  });
});

describe('a session', () => {
  it('serves later processes that know its secret, and nobody else', async () => {
    const { laptop, kit } = await twoDevices('secret');
    const { secret } = await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    const open = (sessionSecret?: string) => Passport.open(laptop.home.environment, { sessionSecret });
    expect(await (await open(secret)).get('old')).toBeDefined();
    for (const bad of [undefined, '', 'AAAA', `${secret}A`, '!', 'A'.repeat(43)]) {
      expect(await rejectionOf((await open(bad)).get('old'))).toBe('locked');
    }
  });

  it('ends at its time, on the clock that nobody can set', async () => {
    const { laptop, kit } = await twoDevices('time');
    const { secret } = await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit], ttlMs: HOUR });
    laptop.home.clock.time -= DAY;
    laptop.home.clock.pass(HOUR + 1);
    expect(await rejectionOf(laptop.passport.get('old'))).toBe('locked');
    expect(
      await rejectionOf((await Passport.open(laptop.home.environment, { sessionSecret: secret })).get('old')),
    ).toBe('locked');
    expect(laptop.home.sessions.kept).toBeUndefined();
  });

  it('ends on lock, in this process and on disk', async () => {
    const { laptop, kit } = await twoDevices('lock');
    const { secret } = await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await laptop.passport.lock();
    expect(laptop.passport.session()).toBeUndefined();
    expect(await rejectionOf(laptop.passport.get('old'))).toBe('locked');
    expect(
      await rejectionOf((await Passport.open(laptop.home.environment, { sessionSecret: secret })).get('old')),
    ).toBe('locked');
    await laptop.passport.lock();
  });

  it('ends with the boot', async () => {
    const { laptop, kit } = await twoDevices('boot');
    const { secret } = await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    laptop.home.clock.reboot();
    expect(
      await rejectionOf((await Passport.open(laptop.home.environment, { sessionSecret: secret })).get('old')),
    ).toBe('locked');
  });

  it('ends for writing at the next epoch; reading what was there goes on', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('next-epoch');
    await world.unlock(phone, laptop);
    const change = await laptop.passport.reshare({ threshold: 3, noSpare: true, ...asked });
    await world.settle(laptop, change, [tablet]);
    await phone.passport.sync();
    expect(await text(phone, 'old')).toBe('written before');
    expect(await rejectionOf(phone.passport.put('a', 'b'))).toBe('session-ended');
    // Who dealt the epoch goes on in it.
    await laptop.passport.put('a', 'b');
  });

  it.each([0, -1, 31 * DAY, Number.NaN])('of %d ms is refused', async (ttlMs) => {
    const { laptop, kit } = await twoDevices('ttl');
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit], ttlMs }))).toBe('usage');
  });

  it('is needed for every record', async () => {
    const { laptop } = await twoDevices('needed');
    const { passport } = laptop;
    const calls = [
      () => passport.put('a', 'b'),
      () => passport.putMany([{ key: 'a', value: new Uint8Array(1) }]),
      () => passport.get('old'),
      () => passport.list(),
      () => passport.history('old'),
      () => passport.delete('old'),
      () => passport.conflicts(),
      () => passport.quarantine(),
    ];
    for (const call of calls) expect(await rejectionOf(call())).toBe('locked');
  });
});

describe('an unlock that is settled', () => {
  it('waits for nobody any more: who was not needed hears of it, and no mail of it stays in the store', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('settled');
    const mails = async () => [...(await contents(world.store())).keys()].filter((name) => name.includes('/hot/m-'));
    const before = await mails();
    await stopsWaiting(phone.passport.unlock(asked));
    await tablet.passport.sync();
    expect(await tablet.passport.requests()).toMatchObject([{ kind: 'unlock', from: 'phone' }]);
    await world.approveAll(laptop);
    await phone.passport.unlock(asked);
    await tablet.passport.sync();
    expect(await tablet.passport.requests()).toEqual([]);
    expect(await mails()).toEqual(before);
  });

  it('leaves room for the next ones: whoever was not needed twenty times hears the next time', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('settled-often');
    for (let i = 0; i < 20; i++) {
      await stopsWaiting(phone.passport.unlock(asked));
      await tablet.passport.sync();
      await world.approveAll(laptop);
      await phone.passport.unlock(asked);
      await phone.passport.lock();
      await tablet.passport.sync();
    }
    await stopsWaiting(phone.passport.unlock(asked));
    await tablet.passport.sync();
    expect(await tablet.passport.requests()).toMatchObject([{ kind: 'unlock', from: 'phone' }]);
  });
});
