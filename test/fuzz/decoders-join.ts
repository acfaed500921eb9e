/**
 * The joining side of a pairing: what the inviting device says (M2, M3), changed and sealed again as only that device can. A
 * joining device takes nothing for the revelation but the genuine one, and signs its role for nobody else's keys.
 */
import { type Bytes, equal, hex } from '../../src/bytes.ts';
import { openInvitation } from '../../src/ceremonies/invite.ts';
import { openPair, pairResult, sealPair } from '../../src/ceremonies/pairing.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { parseRequest } from '../../src/format/entry.ts';
import { formatName, nameHash, pairTag, parseName } from '../../src/format/names.ts';
import { parseHello, parseLink, parsePairPlace, parseReveal } from '../../src/format/pairing.ts';
import { isPassportError, PassportError } from '../../src/errors.ts';
import { Passport } from '../../src/index.ts';
import { inside } from '../helpers/hostile.ts';
import { type Home, PASSPHRASE, stopsWaiting, twoDevices, type World, wordsOf } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';
import type { Decoder } from './decoder.ts';
import { decoder } from './decoders-format.ts';
import { Wrong } from './target.ts';

interface Stage {
  /** The joining device's home stands at 2. */
  readonly world: World;
  readonly step: 2 | 3;
  /** What the genuine message says. */
  readonly sample: Bytes;
  /** What it is bound to. */
  readonly bound: readonly Bytes[];
}

const chance = () => seededRandom('sealed again');

async function stages() {
  const { world, laptop, phone } = await twoDevices('fuzz pairing');
  await world.unlock(laptop, phone);
  const home = world.home();
  const { id, link } = await laptop.passport.invite();
  const { data, bytes } = parseLink(link);
  const join = (of: World) => Passport.join((of.homes[2] as Home).environment, link, { name: 'desktop', timeoutMs: 0 });
  await stopsWaiting(join(world));
  const joining = await inside(home);
  const { secrets } = await joining.transact(async (view) => view);
  const [, hello] = (await joining.replica.read('joining')) as [Bytes, Bytes];
  const { privateKey, publicKey } = secrets.receive[0] as { privateKey: Bytes; publicKey: Bytes };
  await laptop.passport.awaitAnswer(id, { timeoutMs: 0 });
  const inviting = await inside(laptop.home);
  const reveal = (await inviting.asMember((view) => openInvitation(view)))?.reveal as Bytes;
  const first: Stage = { world: world.clone('M2'), step: 2, sample: reveal, bound: [sha256(bytes), sha256(hello)] };
  await stopsWaiting(join(world));
  const second = world.clone('M3');
  await laptop.passport.enroll(id, { words: wordsOf(home).join(' '), passphrase: PASSPHRASE, timeoutMs: 0 });
  const nonces = [parseReveal(reveal).nonce, parseHello(hello).nonce] as const;
  const { transcript } = pairResult(data.pid, bytes, hello, reveal, ...nonces);
  const tag = pairTag(data.secret, 3);
  const [sealed] = [...world.store().objects].flatMap(([name, object]) => {
    const parsed = parseName(name);
    return parsed?.kind === 'mail' && parsed.holder === tag ? [object] : [];
  });
  const sample = await openPair(privateKey, data, 3, [transcript], sealed as Bytes);
  const third: Stage = { world: second, step: 3, sample, bound: [transcript] };
  return { stages: [first, third], join, data, reveal, publicKey, secrets };
}

export async function joinDecoders(): Promise<Decoder[]> {
  const { stages: all, join, data, reveal, publicKey, secrets } = await stages();
  const codes = ['malformed', 'pairing-failed', 'words-mismatch', 'pairing-contested', 'refused'] as const;

  async function serve({ world: from, step, bound }: Stage, input: Bytes): Promise<World> {
    const world = from.clone('case');
    const object = await sealPair(publicKey, data, step, bound, input.slice(0, 60_000), chance());
    const [store] = [...world.store().objects.keys()].map((name) => parseName(name)?.store);
    const holder = pairTag(data.secret, step);
    const name = formatName({ kind: 'mail', store: store as string, holder, hash: nameHash(object) });
    world.store().objects.clear(); // nothing but this message: the genuine one is not there
    await world.store().put(name, object);
    return world;
  }

  /** Whether the device signed a role. */
  const signed = (world: World) =>
    [...world.store().objects.keys()].some((name) => {
      const parsed = parseName(name);
      return parsed?.kind === 'mail' && parsed.holder === pairTag(data.secret, 4);
    });

  return all.map((stage) =>
    decoder({
      name: `ceremonies/join, M${stage.step}`,
      samples: [stage.sample],
      genuine: stage.step === 2,
      codes,
      decode: async (input) => {
        const world = await serve(stage, input);
        const error: unknown = await join(world).then(
          () => new Wrong('accepted', 'it was let in by a message alone'),
          (reason: unknown) => reason,
        );
        if (!isPassportError(error, 'waiting')) throw error instanceof Error ? error : new PassportError('damaged', '');
        if (stage.step === 3) return signed(world) ? asked(input) : undefined;
        const device = await inside(world.homes[2] as Home);
        const kept = ((await device.replica.read('joining')) as [Bytes, Bytes, Bytes, Bytes | null])[3];
        if (kept !== null && !equal(kept, reveal)) throw new Wrong('accepted', `another revelation: ${hex(kept)}`);
        return kept === null ? undefined : kept;
      },
      again: (value) => value,
    }),
  );

  /** A role is signed for a request only that lets in exactly the keys of this device. */
  function asked(input: Bytes): Bytes {
    const { enters } = parseRequest(parsePairPlace(input).request);
    const mine = enters.some(
      ({ signKey, receiveKey }) => equal(signKey, secrets.signKey) && equal(receiveKey, publicKey),
    );
    if (!mine) throw new Wrong('accepted', 'it signed a role for other keys');
    return input;
  }
}
