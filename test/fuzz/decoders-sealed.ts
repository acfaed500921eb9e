/**
 * Decoders behind a key. Each twice: the sealed bytes changed by somebody without it (nothing but the genuine object opens),
 * and the plaintext changed and sealed again by somebody with it (then the shape must hold).
 */
import { type Bytes, concat, equal, uintBytes, utf8 } from '../../src/bytes.ts';
import { decode, encode } from '../../src/cbor.ts';
import { argon2idWasm, checkCost } from '../../src/crypto/argon2.ts';
import { hpkeOpen, hpkeSeal, isReceiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { vaultLayerKey, wrapKey } from '../../src/crypto/keys.ts';
import { openObject, sealObject } from '../../src/crypto/object.ts';
import { combineShares, commitShare, commitVek, dealShares } from '../../src/crypto/share.ts';
import { publicKeyOf, signStatement, verifyStatement } from '../../src/crypto/sign.ts';
import { info0 } from '../../src/crypto/statements.ts';
import { openBlocks, openBundle, splitBundle } from '../../src/format/bundle.ts';
import { openGrant } from '../../src/format/grant.ts';
import { parseEntry } from '../../src/format/entry.ts';
import { parseCertificate } from '../../src/format/votes.ts';
import { openKekLink, openMeshLink } from '../../src/registry/links.ts';
import { openGrantOf, openWrap } from '../../src/registry/open.ts';
import { epochOf } from '../../src/registry/state.ts';
import { checkFounding, checkFoundingCertificate } from '../../src/registry/valid.ts';
import { CellSealer } from '../../src/replica/cells.ts';
import { seededRandom } from '../helpers/random.ts';
import type { Decoder } from './decoder.ts';
import { decoder } from './decoders-format.ts';
import type { Harvest, OpenBundle } from './harvest.ts';
import { Rng } from './rng.ts';
import { Wrong } from './target.ts';

const OPENING = ['decryption-failed', 'unsupported'] as const;
const SHAPED = [...OPENING, 'malformed'] as const;

/** The same salts and one-time keys for every input. */
const chance = () => seededRandom('sealed again');

/** `main`: of this harvest the keys are used. */
export async function sealedDecoders(main: Harvest): Promise<Decoder[]> {
  return [...(await objects()), ...bundles(main), ...(await grants(main)), ...(await numbers()), ...registry(main)];
}

async function objects(): Promise<Decoder[]> {
  const rng = new Rng('objects');
  const key = rng.bytes(32);
  const at = {
    layer: 'mesh',
    epoch: 1,
    key,
    pid: rng.bytes(32),
    kind: 'vote',
    owner: rng.bytes(32),
    sequence: 7,
  } as const;
  const samples = await Promise.all(
    [1, 1016, 65_528, 65_529, 140_000].map((length) => sealObject(at, rng.bytes(length), chance())),
  );
  const to = rng.bytes(32);
  const mode = { info: info0('fuzz'), psk: rng.bytes(32), pskId: utf8('id') };
  const mail = await hpkeSeal(receivePublicOf(to), mode, rng.bytes(100), chance());
  const cell = new CellSealer(rng.bytes(32), rng.bytes(32), chance());
  const kept = await cell.seal('name', ['a', 1, [null]], undefined);
  const seed = rng.bytes(32);
  const [signKey, pid] = [publicKeyOf(seed), rng.bytes(32)];
  const signed = concat(signKey, signStatement(seed, pid, 'fuzz', 1));
  return [
    decoder({
      name: 'crypto/object.openObject',
      samples,
      genuine: true,
      codes: OPENING,
      decode: (input) => openObject(at, input),
    }),
    decoder({
      ...{ name: 'crypto/hpke.hpkeOpen', samples: [mail], genuine: true, codes: ['decryption-failed'] },
      decode: (input) => hpkeOpen(to, mode, input),
    }),
    decoder({
      ...{ name: 'crypto/hpke.isReceiveKey', samples: [receivePublicOf(to)], codes: [] },
      decode: async (input) => ((await isReceiveKey(input)) && input.length === 32 ? input : undefined),
    }),
    decoder({
      ...{ name: 'crypto/sign.verify', samples: [signed], genuine: true, codes: [] },
      decode: (input) => verifyStatement(input.slice(0, 32), input.slice(32), pid, 'fuzz', 1),
    }),
    decoder({
      ...{ name: 'replica/cells.CellSealer.open', samples: [kept], genuine: true, codes: SHAPED },
      decode: (input) => cell.open('name', input, undefined),
    }),
  ];
}

function bundles({ scene, device, view, bundles: all }: Harvest): Decoder[] {
  const { pid } = scene;
  const meshKey = (epoch: number) => device.meshLayerKey(view.secrets, epoch) as Bytes;
  const newest = all.filter(({ claimed, vault }) => claimed.epoch === view.state.epoch && vault.length > 0);
  const [model] = newest as [OpenBundle];
  const { epoch, vault } = model.claimed;
  const vaultKey = vaultLayerKey(pid, epoch, scene.keks.get(epoch) as Bytes);
  const first = model.claimed.commits[0]?.parsed as { chain: Bytes; seq: number };
  const context = { layer: 'mesh', epoch, key: meshKey(epoch), pid, kind: 'commits', owner: pid, sequence: 0 } as const;
  const inVault = { ...context, layer: 'vault', key: vaultKey, kind: 'updates', owner: first.chain } as const;
  const opens = async (bytes: Bytes) => {
    const split = splitBundle(bytes);
    return openBundle(split, pid, meshKey(split.epoch) ?? new Uint8Array(32));
  };
  return [
    decoder({
      ...{ name: 'format/bundle.openBundle', samples: all.map(({ bytes }) => bytes), genuine: true, codes: SHAPED },
      decode: opens,
    }),
    decoder({
      ...{
        name: 'format/bundle.openBundle, sealed again',
        samples: newest.map(({ mesh }) => mesh),
        codes: ['malformed'],
      },
      decode: async (input) => {
        const mesh = await sealObject(context, input, chance());
        return openBundle({ epoch, mesh, vault }, pid, context.key);
      },
      again: ({ vaultHash, sealer, sealerSignature, commits, epoch: said }) =>
        encode([
          [said, vaultHash, sealer],
          sealerSignature,
          commits.map(({ header, signature }) => [header, signature]),
        ]),
    }),
    decoder({
      name: 'format/bundle.openBlocks, sealed again',
      samples: newest.map(({ vault: plain }) => plain),
      codes: ['malformed'],
      covers: ['openBlocks'],
      decode: async (input) => {
        const sealed = await sealObject({ ...inVault, sequence: first.seq }, input, chance());
        return openBlocks({ epoch, mesh: model.claimed.mesh, vault: sealed }, pid, vaultKey, first);
      },
      again: (blocks) => concat(...blocks.flatMap((block) => [uintBytes(block.length, 4), block])),
    }),
  ];
}

async function grants({ scene, device, view, grants: all }: Harvest): Promise<Decoder[]> {
  const { pid } = scene;
  const info = epochOf(view.state);
  const me = view.secrets.deviceId;
  const keys = view.secrets.receive.map(({ privateKey }) => privateKey);
  const mine: Bytes[] = [];
  let key = keys[0] as Bytes;
  for (const bytes of all) {
    for (const candidate of keys) {
      const opened = await openGrantOf(pid, info, me, candidate, bytes).catch(() => undefined);
      if (opened === undefined) continue;
      mine.push(bytes);
      key = candidate;
    }
  }
  const context = { info: info0('grant', info.epoch) };
  const plain = await Promise.all(mine.map((bytes) => hpkeOpen(key, context, bytes)));
  return [
    decoder({
      ...{ name: 'registry/open.openGrantOf', samples: mine, genuine: true, codes: ['share-invalid', ...SHAPED] },
      decode: (input) => openGrantOf(pid, info, me, key, input),
    }),
    decoder({
      ...{ name: 'format/grant.openGrant', samples: mine, genuine: true, codes: SHAPED },
      decode: (input) => openGrant(key, info.epoch, input),
    }),
    decoder({
      ...{ name: 'format/grant.openGrant, sealed again', samples: plain, codes: ['malformed'] },
      decode: async (input) =>
        openGrant(key, info.epoch, await hpkeSeal(receivePublicOf(key), context, input, device.random)),
      // One key without the other is read as neither (test/format/grant.test.ts), so that has no encoding of its own.
      again: ({ device: keys, ...g }) =>
        keys === null
          ? undefined
          : encode([
              ...[g.pid, g.slot, g.prev, g.epoch, g.threshold, g.count, g.holder, g.seat, g.dealer, g.share],
              ...[keys.meshKey, keys.nameRoot],
            ]),
    }),
  ];
}

/** Shares and Argon2id's cost: numbers that decide about keys and memory. */
async function numbers(): Promise<Decoder[]> {
  const rng = new Rng('numbers');
  const vek = rng.bytes(32);
  const terms = { pid: rng.bytes(32), slot: 1, epoch: 1, threshold: 2, count: 3 };
  const holders = [1, 2, 3].map((seat) => ({ holder: rng.bytes(16), seat }));
  const shares = await dealShares(vek, 2, 3, chance());
  const commitments = shares.map((share, i) =>
    commitShare(share, { ...terms, ...(holders[i] as { holder: Bytes; seat: number }) }),
  );
  const vekCommitment = commitVek(vek, terms);
  const salt = rng.bytes(16);
  const cost = (m: number, t: number, p: number) => encode([m, t, p, salt]);
  return [
    decoder({
      name: 'crypto/share.combineShares',
      samples: [concat(...shares), concat(...shares.slice(1)), concat(shares[0] as Bytes, shares[2] as Bytes)],
      covers: ['isCommitted'],
      codes: ['not-enough-holders', 'dealer-fault'],
      decode: async (input) => {
        const given = Array.from({ length: Math.min(64, Math.ceil(input.length / 33)) }, (_, i) =>
          input.slice(33 * i, 33 * i + 33),
        );
        const contributions = given.map((share, i) => {
          const at = ((share[32] ?? i + 1) + 2) % 3; // x says whose it claims to be
          return { ...(holders[at] as (typeof holders)[0]), commitment: commitments[at] as Bytes, share };
        });
        const combined = await combineShares(contributions, { ...terms, vekCommitment });
        if (!equal(combined.vek, vek)) throw new Wrong('accepted', 'shares gave another key');
      },
    }),
    decoder({
      name: 'crypto/argon2.argon2idWasm',
      samples: [cost(65_536, 3, 4), cost(2 ** 32, 1, 1), cost(2 ** 53 - 1, 1, 1), cost(19_456, 7, 1), cost(0, 0, 0)],
      covers: ['checkCost'],
      codes: ['parameters-refused', 'malformed'],
      decode: async (input) => {
        const value = decode(input);
        const [m, t, p, s] = Array.isArray(value) ? (value as unknown[]) : [];
        if (typeof m !== 'number' || typeof t !== 'number' || typeof p !== 'number' || !(s instanceof Uint8Array))
          return;
        const bytes = new Uint8Array(s);
        const cost = { memoryKiB: m, passes: t, lanes: p };
        // The bounds of docs/protocol.md, 3. Within them it would run for a second, so there only the check is asked.
        const allowed =
          [m, t, p].every(Number.isInteger) && m >= 19_456 && m <= 524_288 && t >= 1 && t <= 10 && p >= 1 && p <= 8;
        if (allowed && m * t >= 131_072 && m * t <= 2_097_152 && bytes.length >= 16 && bytes.length <= 64) {
          checkCost(cost, bytes);
        } else {
          await argon2idWasm(utf8('x'), bytes, cost);
          throw new Wrong('accepted', `Argon2id ran with ${JSON.stringify(cost)}`);
        }
      },
    }),
  ];
}

/** The founding entry and its certificate: nothing but the genuine ones found this passport. */
function registry({ scene, view, entries, certificates, links }: Harvest): Decoder[] {
  const { pid, parsed } = scene;
  const refusals = ['malformed', 'entry-invalid', 'parameters-refused'] as const;
  const [founding] = parsed;
  const newest = parsed.findLast(({ core }) => core.epochPart !== null);
  const part = newest?.core.epochPart;
  const mesh = view.secrets.mesh.get(view.state.epoch) as Bytes;
  const kek = scene.keks.get(view.state.epoch) as Bytes;
  const place = { slot: newest?.core.slot ?? 0, epoch: newest?.core.epoch ?? 0 };
  const vek = new Rng('vek').bytes(32);
  const wrapAt = { layer: 'wrap', epoch: 1, key: wrapKey(pid, 1, vek), pid, kind: 'wrap', owner: pid } as const;
  return [
    decoder({
      ...{ name: 'registry/valid.checkFounding', samples: entries.slice(0, 1), genuine: true, codes: refusals },
      decode: async (input) => checkFounding(parseEntry(input), pid).then(() => true),
    }),
    decoder({
      ...{ name: 'registry/valid.checkFoundingCertificate', samples: certificates.slice(0, 1), codes: refusals },
      decode: (input) => checkFoundingCertificate(founding as NonNullable<typeof founding>, parseCertificate(input)),
    }),
    decoder({
      ...{ name: 'registry/links.openKekLink', samples: [part?.kekLink as Bytes], genuine: true, codes: OPENING },
      decode: (input) => openKekLink(pid, place.epoch, kek, input),
    }),
    decoder({
      ...{ name: 'registry/links.openMeshLink', samples: links.slice(-1), genuine: true, codes: OPENING },
      decode: (input) => openMeshLink(pid, place, mesh, input),
    }),
    decoder({
      ...{ name: 'registry/open.openWrap, sealed again', codes: ['malformed'] },
      samples: [encode([vek, kek])],
      covers: ['openWrap'],
      decode: async (input) =>
        openWrap(pid, { slot: 3, epoch: 1 }, vek, await sealObject({ ...wrapAt, sequence: 3 }, input, chance())),
      again: ({ meshKey, nameRoot }) => encode([meshKey, nameRoot]),
    }),
  ];
}
