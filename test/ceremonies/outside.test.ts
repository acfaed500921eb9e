/**
 * Messages that are well made and wrong in one thing: by an insider, or by who has an invitation. One test for each check of
 * docs/validation.md that no honest device ever meets.
 */
import { describe, expect, it } from 'vitest';

import type { Bytes } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { drillAnswers } from '../../src/ceremonies/drill-answers.ts';
import { kitChecks } from '../../src/ceremonies/kit-checks.ts';
import { openInvitation, receivePairing } from '../../src/ceremonies/invite.ts';
import { keepMail, type Mail, type MailKind, openMail, sendMail, unread } from '../../src/ceremonies/mail.ts';
import { openVote, votesOf } from '../../src/ceremonies/slot.ts';
import { keepVotes } from '../../src/ceremonies/vote-authors.ts';
import { ownChange } from '../../src/ceremonies/own-change.ts';
import { pairResult, sealPair, signPossession } from '../../src/ceremonies/pairing.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { sealObject } from '../../src/crypto/object.ts';
import { signingKey, signStatement } from '../../src/crypto/sign.ts';
import { encodeEntry } from '../../src/format/entry.ts';
import { pairTag } from '../../src/format/names.ts';
import {
  encodeHello,
  encodePairPlace,
  encodePairRole,
  parseHello,
  parseLink,
  parseReveal,
} from '../../src/format/pairing.ts';
import { encodeCertificate, encodeDecided, encodeRegistryObject, encodeVote } from '../../src/format/votes.ts';
import { Passport } from '../../src/index.ts';
import { placeAfter, signRefusal, signRole } from '../../src/registry/messages.ts';
import { epochOf, holderOf } from '../../src/registry/state.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { inside } from '../helpers/hostile.ts';
import { type Home, MINUTE, PASSPHRASE, stopsWaiting, threeDevices, twoDevices } from '../helpers/mesh.ts';
import { registryName } from '../helpers/names.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('outside');
const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** The bytes of a mail that one device really sends to another. */
async function mailFrom(from: Home, to: Home, kind: MailKind, body: Bytes): Promise<Bytes> {
  const [device, receiver] = [await inside(from), await inside(to)];
  const { deviceId } = await receiver.transact(async ({ secrets }) => secrets);
  return device.asMember(async (view) => {
    const mail = { kind, id: random(16), body };
    const hash = await sendMail(device, view, holderOf(view.state, deviceId)!, mail);
    return (await view.tx.object(hash))!;
  });
}

async function read(home: Home, bytes: Bytes): Promise<Mail | undefined> {
  const device = await inside(home);
  return device.asMember((view) => openMail(device, view, bytes));
}

describe('a mail', () => {
  it('of more than 64 KiB is none, whoever sealed it', async () => {
    const { laptop, phone } = await twoDevices('mail-size');
    const small = await mailFrom(laptop.home, phone.home, 'drill', new Uint8Array(40_000));
    expect(await read(phone.home, small)).toMatchObject({ kind: 'drill' });
    const large = await mailFrom(laptop.home, phone.home, 'drill', new Uint8Array(65_000));
    expect(large.length).toBeGreaterThan(64 * 1024);
    expect(await read(phone.home, large)).toBeUndefined();
  });

  it('is one of at most 32 unread by its sender', async () => {
    const { laptop } = await twoDevices('mail-flood');
    const device = await inside(laptop.home);
    const sender = random(16);
    const kept = await device.asMember(async ({ tx }) => {
      for (let i = 0; i < 40; i++) {
        await keepMail(tx, { sender, kind: 'unlock', id: random(16), body: new Uint8Array(1) }, 1000);
      }
      await keepMail(tx, { sender: random(16), kind: 'unlock', id: random(16), body: new Uint8Array(1) }, 1000);
      return (await unread(tx)).length;
    });
    expect(kept).toBe(33);
  });
});

describe('an unlock', () => {
  it('ends as expired when its one-time key is over, while it is waited for', async () => {
    const { phone } = await threeDevices('unlock-over');
    expect(await rejectionOf(phone.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 15 * MINUTE }))).toBe(
      'expired',
    );
  });
});

describe('the answer to a drill', () => {
  /** What the laptop notes of an answer by the phone, made with changes. */
  async function answered(label: string, change: { challenge?: Bytes; signer?: 'other'; kitSigner?: 'other' }) {
    const { laptop, phone } = await twoDevices(`drill ${label}`);
    await laptop.passport.drill({ timeoutMs: 0 });
    const [asking, answering] = [await inside(laptop.home), await inside(phone.home)];
    const challenge = await asking.asMember(async ({ tx }) => (await tx.get('drill-challenge')) as Bytes);
    const { secrets, state } = await answering.asMember(async (view) => view);
    const { slot, epoch } = epochOf(state);
    const said = change.challenge ?? challenge;
    const seed = change.signer === undefined ? secrets.signSeed : random(32);
    const signed = signStatement(seed, answering.pid, 'drill', slot, epoch, secrets.deviceId, said);
    const kit = state.members.find(({ kind, left: gone }) => kind === 'kit' && gone === null)!;
    const check = signStatement(random(32), answering.pid, 'kit-check', slot, epoch, 5);
    const checks = change.kitSigner === undefined ? [] : [[kit.id, slot, epoch, 5, check]];
    const body = encode([said, slot, epoch, signed, checks]);
    await asking.asMember(async (view) => {
      const mail = { sender: secrets.deviceId, kind: 'drill-answer', id: random(16), body } as const;
      await keepMail(view.tx, mail, asking.env.clock.now());
    });
    await laptop.passport.sync();
    return asking.asMember(async ({ tx }) => ({
      answers: (await drillAnswers(tx)).filter(({ holder }) => holder.join() === secrets.deviceId.join()).length,
      kits: (await kitChecks(tx)).length,
    }));
  }

  it('counts for the challenge that is open, signed by who gives it', async () => {
    expect(await answered('good', {})).toEqual({ answers: 1, kits: 0 });
    expect(await answered('another challenge', { challenge: random(32) })).toEqual({ answers: 0, kits: 0 });
    expect(await answered('another signer', { signer: 'other' })).toEqual({ answers: 0, kits: 0 });
  });

  it('tells nothing of a kit that the kit did not sign', async () => {
    expect(await answered('a kit', { kitSigner: 'other' })).toEqual({ answers: 1, kits: 0 });
  });
});

/** Somebody with the link, with keys of its own, at a laptop that invites. */
async function answerer(label: string) {
  const { laptop, kit } = await twoDevices(`pairing ${label}`);
  const { id, link } = await laptop.passport.invite();
  const { data, bytes } = parseLink(link);
  const hI = sha256(bytes);
  const [sign, receive, nonce] = [signingKey(random), receiveKey(random), random(32)];
  const device = await inside(laptop.home);
  const hello = (change: { seed?: Bytes; receiveKey?: Bytes } = {}) => {
    const keys = { signKey: sign.publicKey, receiveKey: change.receiveKey ?? receive.publicKey, nonce };
    const possession = signPossession(change.seed ?? sign.seed, data.pid, data.iid, hI, keys);
    return encodeHello({ ...keys, kind: 'device', name: 'tablet', platform: 'test', possession });
  };
  const give = (step: 1 | 4, bound: readonly Bytes[], plaintext: Bytes) =>
    device.asMember(async (view) =>
      receivePairing(
        device,
        view,
        pairTag(data.secret, step),
        await sealPair(data.ephemeralKey, data, step, bound, plaintext, random),
      ),
    );
  const invitation = () => device.asMember(async (view) => (await openInvitation(view))!);
  return { laptop, kit, id, data, bytes, hI, sign, receive, hello, give, invitation, device };
}

describe('who answers an invitation', () => {
  it('has the signing key that it shows', async () => {
    const { hI, hello, give, invitation } = await answerer('possession');
    await give(1, [hI], hello({ seed: random(32) }));
    expect((await invitation()).hello).toBeNull();
    await give(1, [hI], hello());
    expect((await invitation()).hello).not.toBeNull();
  });

  it('has a receive key that can be sealed to', async () => {
    const { hI, hello, give, invitation } = await answerer('receive key');
    await give(1, [hI], hello({ receiveKey: new Uint8Array(32) }));
    expect((await invitation()).hello).toBeNull();
  });

  it('accepts its role in the place of the change, with its own key, after this pairing', async () => {
    const { laptop, kit, id, bytes, hI, sign, receive, hello, give, invitation, device } = await answerer('role');
    await give(1, [hI], hello());
    const open = await invitation();
    const [shown, reveal] = [open.hello!, open.reveal!];
    const nonces = [parseReveal(reveal).nonce, parseHello(shown).nonce] as const;
    const { transcript, words } = pairResult(device.pid, bytes, shown, reveal, ...nonces);
    await laptop.passport.enroll(id, { words: words.join(' '), kits: [kit], ...left });
    const change = (await device.asMember((view) => ownChange(view, device.pid)))!;
    const keys = { signKey: sign.publicKey, receiveKey: receive.publicKey };
    const roles = async (place: { slot: number; prev: Bytes }, seed: Bytes, signedAt = place, of = transcript) => {
      const signature = signRole(device.pid, seed, signedAt, keys, of);
      await give(4, [transcript], encodePairRole({ slot: place.slot, prev: place.prev, signature }));
      return (await device.asMember((view) => ownChange(view, device.pid)))!.roles.length;
    };
    expect(await roles({ slot: change.slot + 1, prev: change.prev }, sign.seed, change)).toBe(0);
    expect(await roles({ slot: change.slot, prev: random(32) }, sign.seed, change)).toBe(0);
    expect(await roles(change, random(32))).toBe(0);
    expect(await roles(change, sign.seed, { slot: change.slot + 1, prev: change.prev })).toBe(0);
    expect(await roles(change, sign.seed, change, random(32))).toBe(0);
    expect(await roles(change, sign.seed)).toBe(1);
  });
});

describe('a new device', () => {
  it('accepts no role in a change that lets other keys in', async () => {
    const { world, laptop } = await twoDevices('pairing other keys');
    const home = world.home();
    const { link } = await laptop.passport.invite();
    const { data, bytes } = parseLink(link);
    const join = () => Passport.join(home.environment, link, { name: 'tablet', timeoutMs: 0 });
    await stopsWaiting(join());
    await laptop.passport.sync();
    await stopsWaiting(join());
    const device = await inside(laptop.home);
    const open = await device.asMember(async (view) => (await openInvitation(view))!);
    const hello = parseHello(open.hello!);
    const nonces = [parseReveal(open.reveal!).nonce, hello.nonce] as const;
    const { transcript } = pairResult(device.pid, bytes, open.hello!, open.reveal!, ...nonces);
    const state = await device.asMember(async (view) => view.state);
    const { encodeRequest } = await import('../../src/format/entry.ts');
    const other = { seat: 9, id: random(16), kind: 'device', name: 'tablet' } as const;
    const request = encodeRequest({
      ...{ rid: random(16), kind: 'holders', oneTimeKey: random(32), expiry: 0, leaves: [], threshold: 2 },
      initiator: { id: random(16), signKey: random(32) },
      enters: [{ ...other, signKey: hello.signKey, receiveKey: random(32) }],
      ...{ names: [], unlockDevices: [] },
    });
    const place = encodePairPlace({ ...placeAfter(state), request });
    const sealed = await sealPair(hello.receiveKey, data, 3, [transcript], place, random);
    const { formatName, nameHash } = await import('../../src/format/names.ts');
    const { base32 } = await import('../../src/bytes.ts');
    const name = (step: 3 | 4, hash: string) =>
      formatName({ kind: 'mail', store: base32(data.stores[0]!.id), holder: pairTag(data.secret, step), hash });
    await world.store().put(name(3, nameHash(sealed)), sealed);
    await stopsWaiting(join());
    const tag = `/hot/m-${pairTag(data.secret, 4)}`;
    expect([...world.store().ever.keys()].filter((path) => path.includes(tag))).toEqual([]);
  });
});

describe('a vote object', () => {
  /** Whether the laptop keeps a refusal that the phone seals. */
  async function kept(label: string, change: { prev?: Bytes; seed?: Bytes; extra?: number }) {
    const { laptop, phone } = await threeDevices(`vote ${label}`);
    const [device, other] = [await inside(laptop.home), await inside(phone.home)];
    const { secrets, state } = await other.asMember(async (view) => view);
    const place = { slot: placeAfter(state).slot, prev: change.prev ?? placeAfter(state).prev };
    const [requestHash, voter] = [random(32), { id: secrets.deviceId, signSeed: change.seed ?? secrets.signSeed }];
    const signature = signRefusal(device.pid, voter, 'refuse', place, requestHash);
    const vote = encodeVote({ type: 'refuse', ...place, holder: voter.id, requestHash, signature });
    const key = device.meshLayerKey(secrets, state.epoch)!;
    const { pid } = device;
    const at = { layer: 'mesh', epoch: state.epoch, key, pid, kind: 'vote', owner: pid, sequence: place.slot } as const;
    const bytes = await sealObject(at, vote, random);
    return device.asMember(async (view) => {
      await keepVotes(device, view, [{ hash: `hash ${label}`, bytes }]);
      return (await votesOf(view.tx)).length;
    });
  }

  it('is kept when it is of the open slot after this head, and signed by the holder that it names', async () => {
    expect(await kept('good', {})).toBe(1);
    expect(await kept('another head', { prev: random(32) })).toBe(0);
    expect(await kept('another signer', { seed: random(32) })).toBe(0);
  });

  it('of more than 1.125 MiB is not opened', async () => {
    const { laptop } = await threeDevices('vote size');
    const device = await inside(laptop.home);
    let looked = 0;
    const opened = await device.asMember((view) =>
      openVote(
        device,
        { ...view, tx: Object.assign(Object.create(view.tx), { opened: () => looked++ }) },
        'x',
        new Uint8Array(1_200_000),
      ),
    );
    expect([opened, looked]).toEqual([undefined, 0]);
  });
});

describe('another entry for a decided slot', () => {
  it('that is well formed and not certified is junk, not a fork', async () => {
    const { world, laptop, phone } = await threeDevices('uncertified');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await world.settle(laptop, change, [phone]);
    const device = await inside(laptop.home);
    const { pid } = device;
    const bytes = await device.asMember(async (view) => {
      const { entry, certificate, wrap, link } = (await decidedAt(device, view, 3))!;
      const { decode } = await import('../../src/cbor.ts');
      const [core] = decode(entry.bytes) as [Bytes];
      const forged = encodeEntry(core, random(64), entry.vaultSignature);
      const at = {
        layer: 'mesh',
        epoch: 2,
        key: device.meshLayerKey(view.secrets, 2)!,
        pid,
        kind: 'entry',
        owner: pid,
        sequence: 3,
      } as const;
      const content = encodeDecided(forged, encodeCertificate(certificate));
      return encodeRegistryObject({ wrap, link, sealed: await sealObject(at, content, random) });
    });
    const root = [...world.store().objects.keys()][0]!.split('/').slice(0, 2).join('/');
    world.store().objects.set(registryName(root, 3, bytes, true), bytes);
    const report = await laptop.passport.sync();
    expect(report.stores[0]!.damaged).toHaveLength(1);
    expect((await laptop.passport.status()).warnings.join()).not.toContain('frozen');
  });
});
