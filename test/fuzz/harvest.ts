/** Valid inputs of every decoder, taken from what the devices of the scenes put into their stores, and the keys to open them. */
import { type Bytes, hex } from '../../src/bytes.ts';
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { encode } from '../../src/cbor.ts';
import { vaultLayerKey } from '../../src/crypto/keys.ts';
import { openObject } from '../../src/crypto/object.ts';
import type { Device, MemberView } from '../../src/device/device.ts';
import { type ClaimedBundle, openBlocks, openBundle, splitBundle } from '../../src/format/bundle.ts';
import { encodeCore, holderValue } from '../../src/format/entry.ts';
import { parseName } from '../../src/format/names.ts';
import { splitBlock } from '../../src/format/update.ts';
import { encodeCertificate, encodeDecided, encodeVote, parseRegistryObject } from '../../src/format/votes.ts';
import { headSlot } from '../../src/registry/state.ts';
import { Forger, inside } from '../helpers/hostile.ts';
import type { Home, Member } from '../helpers/mesh.ts';
import type { Scene } from './scene.ts';
import { scene } from './scenes.ts';

export interface OpenBundle {
  readonly bytes: Bytes;
  readonly claimed: ClaimedBundle;
  /** Plaintexts of both parts. */
  readonly mesh: Bytes;
  readonly vault: Bytes;
}

export interface Harvest {
  readonly scene: Scene;
  /** The home of the laptop, up to date, and its device. */
  readonly home: Home;
  readonly device: Device;
  readonly view: MemberView;
  readonly names: readonly string[];
  readonly registry: readonly Bytes[];
  readonly decided: readonly Bytes[];
  readonly entries: readonly Bytes[];
  readonly cores: readonly Bytes[];
  readonly certificates: readonly Bytes[];
  readonly requests: readonly Bytes[];
  readonly holders: readonly Bytes[];
  readonly votes: readonly Bytes[];
  readonly bundles: readonly OpenBundle[];
  readonly headers: readonly Bytes[];
  readonly blocks: readonly { readonly block: Bytes; readonly count: number }[];
  readonly updates: readonly Bytes[];
  readonly grants: readonly Bytes[];
  readonly wraps: readonly Bytes[];
  /** Mesh links by slot, without the empty ones. */
  readonly links: readonly Bytes[];
  readonly mails: readonly Bytes[];
}

/** What the laptop of a scene can open of its store. */
async function harvestOf(from: Scene): Promise<Harvest> {
  const world = from.world.clone('harvest');
  const home = world.homes[0] as Home;
  const device = await inside(home);
  const objects = [...world.store().ever].map(([name, bytes]) => ({ name, parsed: parseName(name), bytes }));
  const of = (kind: string) => objects.flatMap(({ parsed, bytes }) => (parsed?.kind === kind ? [bytes] : []));
  const view = await device.asMember(async (each) => each);
  const decided = await device.asMember(async (each) => {
    const all = [];
    for (let slot = 0; slot <= headSlot(each.state); slot++) all.push(await decidedAt(device, each, slot));
    return all.filter((one) => one !== undefined);
  });
  const forger = await Forger.of(world, { home } as Member);
  const bundles = await openBundles(from, device, view, of('bundle'));
  const blocks = await Promise.all(
    bundles.map(async ({ claimed }) => {
      const key = vaultLayerKey(from.pid, claimed.epoch, from.keks.get(claimed.epoch) as Bytes);
      const first = claimed.commits[0]?.parsed as { chain: Bytes; seq: number };
      const list = await openBlocks(claimed, from.pid, key, first);
      return list.map((block, i) => ({ block, count: claimed.commits[i]?.parsed.count ?? 0 }));
    }),
  );
  return {
    ...{ scene: from, home, device, view, bundles, blocks: blocks.flat() },
    names: objects.map(({ name }) => name),
    registry: of('registry'),
    decided: decided.map((one) => encodeDecided(one.entry.bytes, encodeCertificate(one.certificate))),
    entries: decided.map(({ entry }) => entry.bytes),
    cores: decided.map(({ entry }) => encodeCore(entry.core)),
    certificates: decided.map(({ certificate }) => encodeCertificate(certificate)),
    requests: decided.slice(1).map(({ entry }) => entry.core.request),
    holders: decided.flatMap(({ entry }) => entry.core.holders.map((holder) => encode(holderValue(holder)))),
    votes: (await forger.votes()).map(({ message }) => encodeVote(message)),
    headers: bundles.flatMap(({ claimed }) => claimed.commits.map(({ header }) => header)),
    updates: blocks.flat().flatMap(({ block, count }) => splitBlock(block, count).map(({ update }) => update)),
    grants: of('grant'),
    wraps: of('registry').map((bytes) => parseRegistryObject(bytes).wrap),
    links: decided.flatMap(({ link }) => (link.length === 0 ? [] : [link])),
    mails: of('mail'),
  };
}

async function openBundles(
  from: Scene,
  device: Device,
  view: MemberView,
  all: readonly Bytes[],
): Promise<OpenBundle[]> {
  const open: OpenBundle[] = [];
  for (const bytes of all) {
    const split = splitBundle(bytes);
    const key = device.meshLayerKey(view.secrets, split.epoch) as Bytes;
    const { pid } = from;
    const claimed = await openBundle(split, pid, key);
    const common = { pid, epoch: split.epoch } as const;
    const mesh = await openObject(
      { ...common, layer: 'mesh', key, kind: 'commits', owner: pid, sequence: 0 },
      split.mesh,
    );
    const first = claimed.commits[0]?.parsed as { chain: Bytes; seq: number };
    const vaultKey = vaultLayerKey(pid, split.epoch, from.keks.get(split.epoch) as Bytes);
    const at = { ...common, layer: 'vault', key: vaultKey, kind: 'updates', owner: first.chain } as const;
    const vault =
      split.vault.length === 0 ? split.vault : await openObject({ ...at, sequence: first.seq }, split.vault);
    open.push({ bytes, claimed, mesh, vault });
  }
  return open;
}

const made = new Map<string, Promise<Harvest>>();

export function harvest(name: Parameters<typeof scene>[0]): Promise<Harvest> {
  const known = made.get(name) ?? scene(name).then(harvestOf);
  made.set(name, known);
  return known;
}

/** Each once. */
export function distinct(all: readonly Bytes[]): Bytes[] {
  return [...new Map(all.map((bytes) => [hex(bytes), bytes])).values()].filter(({ length }) => length > 0);
}
