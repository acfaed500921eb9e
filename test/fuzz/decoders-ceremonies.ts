/**
 * What ceremonies read from mail, votes and pairing messages, by somebody with the keys of a current device: bodies changed,
 * signed as far as he can sign, and handed to the device as if a store had brought them. None may end in an error: what is no
 * answer says nothing.
 */
import { type Bytes, concat, equal, uintBytes } from '../../src/bytes.ts';
import { openDecided } from '../../src/ceremonies/decide.ts';
import { drillDue } from '../../src/ceremonies/drill-answers.ts';
import { invite, openInvitation, receivePairing } from '../../src/ceremonies/invite.ts';
import { keepMail, type MailKind, openMail } from '../../src/ceremonies/mail.ts';
import { sealPair, signPossession } from '../../src/ceremonies/pairing.ts';
import { readSlot } from '../../src/ceremonies/slot.ts';
import { askUnlock, ownUnlock, unlockAnswers, unlockRequests } from '../../src/ceremonies/unlock.ts';
import { keepVotes } from '../../src/ceremonies/vote-authors.ts';
import { encode } from '../../src/cbor.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hpkeSeal, receivePublicOf } from '../../src/crypto/hpke.ts';
import { mailPsk } from '../../src/crypto/keys.ts';
import { sealObject } from '../../src/crypto/object.ts';
import { pad } from '../../src/crypto/padding.ts';
import { publicKeyOf, signStatement } from '../../src/crypto/sign.ts';
import { info } from '../../src/crypto/statements.ts';
import type { MemberView } from '../../src/device/device.ts';
import { nameHash, pairTag } from '../../src/format/names.ts';
import { encodeHello, parseLink } from '../../src/format/pairing.ts';
import { headSlot, holderOf, type Member } from '../../src/registry/state.ts';
import { inside } from '../helpers/hostile.ts';
import type { Home } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';
import type { Decoder } from './decoder.ts';
import { decoder } from './decoders-format.ts';
import type { Harvest } from './harvest.ts';
import { Rng } from './rng.ts';

/** Ends a transaction without a trace. */
class Undone extends Error {}

const chance = () => seededRandom('sealed again');

export async function ceremonyDecoders(main: Harvest, inVote: Harvest): Promise<Decoder[]> {
  return [...(await mails(main)), ...votes(inVote), ...(await pairing(main)), ...entries(main)];
}

/** Runs a step of a ceremony and takes back what it wrote. */
async function undone<T>(of: Harvest['device'], step: (view: MemberView) => Promise<T>): Promise<T> {
  let result: T | undefined;
  try {
    await of.asMember(async (view) => {
      result = await step(view);
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
  return result as T;
}

/** The laptop, which has an unlock of its own open; the phone turned hostile. */
async function mails({ scene, view: before }: Harvest): Promise<Decoder[]> {
  const world = scene.world.clone('mails');
  const device = await inside(world.homes[0] as Home);
  const insider = await inside(world.homes[1] as Home);
  const { pid } = scene;
  const { voter, sealed } = await insider.asMember(async ({ secrets }) => ({
    voter: { id: secrets.deviceId, signSeed: secrets.signSeed },
    sealed: secrets.mesh,
  }));
  const me = holderOf(before.state, before.secrets.deviceId) as Member;
  const { epoch } = before.state;
  await device.asMember(async (view) => {
    await askUnlock(device, view, 'fuzz', 60_000);
  });
  const own = await device.asMember((view) => ownUnlock(view, pid));
  if (own === undefined) throw new Error('the laptop has no unlock of its own');
  const at = {
    info: info(pid, 'mail', epoch, me.id),
    psk: mailPsk(pid, epoch, sealed.get(epoch) as Bytes),
    pskId: encode([pid, epoch]),
  };
  const sign = (use: string, ...fields: Parameters<typeof signStatement>[3][]) =>
    signStatement(voter.signSeed, pid, use, ...fields);
  const mailOf = (kind: MailKind, id: Bytes, body: Bytes) =>
    encode([voter.id, me.id, kind, id, body, sign('mail', epoch, voter.id, me.id, kind, id, sha256(body))]);
  const rng = new Rng('mail');
  const rid = rng.bytes(16);
  const asked = encode([
    ...['unlock', rid, voter.id, headSlot(before.state), before.state.entries.at(-1)?.id as Bytes, epoch],
    ...[receivePublicOf(rng.bytes(32)), 'please', 60_000, device.env.clock.now() + 300_000, [me.id]],
  ]);
  const box = await hpkeSeal(
    own.oneTimeKey,
    { info: info(pid, 'unlock-share', epoch, own.rid, own.hash, me.id, voter.id, own.oneTimeKey) },
    rng.bytes(33),
    chance(),
  );
  const fields = [epoch, own.rid, own.hash, me.id, voter.id] as const;
  const bodies: readonly (readonly [MailKind, Bytes, Bytes])[] = [
    ['unlock', rid, encode([asked, sign('unlock', sha256(asked))])],
    ['share', own.rid, encode([own.hash, box, sign('unlock-answer', ...fields, sha256(box))])],
    ['refuse', own.rid, encode([own.hash, sign('unlock-refuse', own.rid, own.hash)])],
    ['cancel', rid, encode([own.hash, sign('unlock-cancel', rid, own.hash)])],
    ['drill', rid, encode([rng.bytes(32)])],
    [
      'drill-answer',
      rid,
      encode([rng.bytes(32), 3, epoch, rng.bytes(64), [[rng.bytes(16), 3, epoch, 9, rng.bytes(64)]]]),
    ],
  ];
  return [
    decoder({
      name: 'ceremonies/mail.openMail, sealed again',
      covers: ['openMail'],
      samples: bodies.map(([kind, id, body]) => mailOf(kind, id, body)),
      codes: [],
      decode: (input) =>
        undone(device, async (view) => {
          const bytes = concat(
            uintBytes(epoch, 4),
            await hpkeSeal(me.receiveKey, at, pad(input.slice(0, 60_000)), chance()),
          );
          return openMail(device, view, bytes);
        }),
      again: (mail, input) => {
        if (mail === undefined) return undefined;
        const { kind, id, body } = mail;
        const made = mailOf(kind, id, body);
        return equal(mail.sender, voter.id) ? made : input;
      },
    }),
    ...bodies.map(([kind, id, good]) =>
      decoder({
        name: `ceremonies/unlock and drill, ${kind}`,
        covers: ['unlockRequests', 'unlockAnswers', 'drillDue', 'ownUnlock'],
        samples: [good],
        codes: [],
        decode: (input) =>
          undone(device, async (view) => {
            await keepMail(view.tx, { sender: voter.id, kind, id, body: input }, device.env.clock.now());
            await unlockRequests(device, view);
            await unlockAnswers(device, view, own);
            await drillDue(device, view);
          }),
      }),
    ),
  ];
}

function votes({ device, view, votes: samples, scene }: Harvest): Decoder[] {
  const { pid } = scene;
  const slot = headSlot(view.state) + 1;
  const epoch = view.state.entries.at(-1)?.epoch ?? 0;
  const key = device.meshLayerKey(view.secrets, epoch) as Bytes;
  const at = { layer: 'mesh', epoch, key, pid, kind: 'vote', owner: pid, sequence: slot } as const;
  return [
    decoder({
      name: 'ceremonies/slot.openVote, sealed again',
      covers: ['openVote', 'readSlot', 'keepVotes'],
      ...{ samples, codes: [] },
      decode: (input) =>
        undone(device, async (now) => {
          const bytes = await sealObject(at, input, chance());
          await keepVotes(device, now, [{ hash: nameHash(bytes), bytes }]);
          await readSlot(device, now, new Set());
        }),
    }),
  ];
}

function entries({ device, view, decided, registry, scene }: Harvest): Decoder[] {
  const { pid } = scene;
  const epoch = 0;
  const key = device.meshLayerKey(view.secrets, epoch) as Bytes;
  const at = { layer: 'mesh', epoch, key, pid, kind: 'entry', owner: pid, sequence: 0 } as const;
  const shape = ['malformed', 'decryption-failed', 'unsupported'] as const;
  return [
    decoder({
      name: 'ceremonies/decide.openDecided',
      samples: registry.slice(0, 1),
      ...{ genuine: false, codes: shape },
      decode: async (input) => openDecided(device, 0, epoch, key, input),
    }),
    decoder({
      name: 'ceremonies/decide.openDecided, sealed again',
      samples: decided.slice(0, 1),
      codes: ['malformed'],
      decode: async (input) => {
        const sealed = await sealObject(at, input, chance());
        return openDecided(device, 0, epoch, key, concat(uintBytes(0, 4), uintBytes(0, 4), sealed));
      },
    }),
  ];
}

/** M1 by somebody who has the link; whatever it says, the inviting device goes on. */
async function pairing({ scene }: Harvest): Promise<Decoder[]> {
  const world = scene.world.clone('pairing');
  const device = await inside(world.homes[0] as Home);
  const { link } = await device.asMember((view) => invite(device, view, { add: true, threshold: 3 }));
  const { data, bytes } = parseLink(link);
  const rng = new Rng('hello');
  const [seed, receivePrivate, nonce] = [rng.bytes(32), rng.bytes(32), rng.bytes(32)];
  const keys = { signKey: publicKeyOf(seed), receiveKey: receivePublicOf(receivePrivate), nonce };
  const hI = sha256(bytes);
  const possession = signPossession(seed, scene.pid, data.iid, hI, keys);
  const hello = encodeHello({ ...keys, kind: 'device', name: 'phone', platform: 'linux', possession });
  const first = pairTag(data.secret, 1);
  return [
    decoder({
      name: 'ceremonies/invite.receivePairing, M1',
      covers: ['receivePairing', 'openPair', 'openInvitation'],
      ...{ samples: [hello], codes: [] },
      decode: (input) =>
        undone(device, async (view) => {
          const sealed = await sealPair(data.ephemeralKey, data, 1, [hI], input.slice(0, 60_000), chance());
          await receivePairing(device, view, first, sealed);
          const open = await openInvitation(view);
          const taken = open?.hello ?? undefined;
          return taken;
        }),
      again: (taken) => taken,
    }),
    decoder({
      name: 'ceremonies/invite.receivePairing, M4',
      ...{ samples: [encode([3, rng.bytes(32), rng.bytes(64)])], codes: [] },
      decode: (input) =>
        undone(device, async (view) => {
          const sealed = await sealPair(data.ephemeralKey, data, 4, [rng.bytes(0)], input.slice(0, 60_000), chance());
          await receivePairing(device, view, pairTag(data.secret, 4), sealed);
        }),
    }),
  ];
}
