/** Bundles: each step refuses what it must, before the next one looks. */
import { describe, expect, it } from 'vitest';
import { concat, copy, equal, hex, uintBytes, utf8, type Bytes } from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { chainId, holderId } from '../../src/crypto/keys.ts';
import { openObject, sealObject } from '../../src/crypto/object.ts';
import { signStatement, signingKey } from '../../src/crypto/sign.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import {
  authenticateBundle,
  openBlocks,
  openBundle,
  sealBundle,
  signCommit,
  splitBundle,
  type ClaimedBundle,
  type ClaimedCommit,
} from '../../src/format/bundle.ts';
import { encodeHeader, parseHeader, rootOfNothing, type Header } from '../../src/format/commit.ts';
import { encodeBlock, encodeUpdate } from '../../src/format/update.ts';
import { merkleRoot } from '../../src/records/merkle.ts';
import { codeOf, rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('bundle');
const pid = random(32);
const [anna, berta] = [signingKey(random), signingKey(random)];
const device = holderId(pid, anna.publicKey);
const meshLayerKey = random(32);
const vaultLayerKey = random(32);

const blinded = [1, 2].map((n) => ({
  blind: random(32),
  update: encodeUpdate({ key: `key ${n}`, op: 'put', type: 'text', value: utf8(`value ${n}`), reason: null }),
}));

/** `count` commits of one chain; each second one is empty. */
function chainOf(
  count: number,
  incarnation = random(16),
  from?: { seq: number; id: Bytes },
): { commits: ClaimedCommit[]; blocks: Bytes[] } {
  const commits: ClaimedCommit[] = [];
  const blocks: Bytes[] = [];
  let prev = from;
  for (let i = 0; i < count; i++) {
    const updates = i % 2 === 0 ? blinded : [];
    const header: Header = {
      device,
      incarnation,
      seq: (prev?.seq ?? 0) + 1,
      prev: prev?.id ?? null,
      ctx: prev === undefined ? [] : [{ chain: chainId(pid, device, incarnation), ...prev }],
      registry: new Uint8Array(32),
      time: 0,
      count: updates.length,
      root: updates.length === 0 ? rootOfNothing() : merkleRoot(updates),
      acks: [],
    };
    const bytes = encodeHeader(header);
    const parsed = parseHeader(pid, bytes);
    commits.push({ header: bytes, signature: signCommit(anna.seed, pid, parsed.id), parsed });
    blocks.push(encodeBlock(updates));
    prev = { seq: header.seq, id: parsed.id };
  }
  return { commits, blocks };
}

const three = chainOf(3);

function seal(
  parts: { commits: readonly ClaimedCommit[]; blocks: readonly Bytes[] } = three,
  epoch = 2,
): Promise<Bytes> {
  const blocks = parts.blocks.map((block) => [block]);
  const how = { pid, epoch, meshLayerKey, vaultLayerKey, sealer: device, signSeed: anna.seed, random };
  return sealBundle({ ...how, commits: parts.commits, blocks });
}

async function read(bundle: Bytes): Promise<ClaimedBundle> {
  const claimed = await openBundle(splitBundle(bundle), pid, meshLayerKey);
  return authenticateBundle(claimed, pid, anna.publicKey, anna.publicKey);
}

const context = { layer: 'mesh', epoch: 2, key: meshLayerKey, pid, kind: 'commits', owner: pid, sequence: 0 } as const;

/** The bundle with another content in its mesh part, sealed with the right key. */
async function forge(change: (content: Value[]) => Value, bundle?: Bytes, vault?: Bytes): Promise<Bytes> {
  const split = splitBundle(bundle ?? (await seal()));
  const content = decode(await openObject(context, split.mesh)) as Value[];
  const mesh = await sealObject(context, encode(change(content)), random);
  return concat(uintBytes(mesh.length, 4), mesh, vault ?? split.vault);
}

describe('the commits of a bundle', () => {
  /** A commit that says what it likes of the one before; its ctx names that under its own chain and number, as a header must. */
  function claimed(prev: Bytes | null, seq: number, incarnation: Bytes): ClaimedCommit {
    const chain = chainId(pid, device, incarnation);
    const bytes = encodeHeader({
      ...{ device, incarnation, seq, prev, registry: new Uint8Array(32), time: seq, count: 0, root: rootOfNothing() },
      ...{ ctx: prev === null ? [] : [{ chain, seq: seq - 1, id: prev }], acks: [] },
    });
    const parsed = parseHeader(pid, bytes);
    return { header: bytes, signature: signCommit(anna.seed, pid, parsed.id), parsed };
  }
  const judged = async (...commits: readonly ClaimedCommit[]) =>
    rejectionOf(seal({ commits, blocks: commits.map(() => new Uint8Array(0)) }).then(read));

  it('are of one chain, with numbers that follow each other, each with the one before as prev', async () => {
    const [mine, other] = [random(16), random(16)];
    const first = claimed(null, 1, mine);
    const { id } = first.parsed;
    expect(await judged(first, claimed(id, 2, mine))).toBe('no error');
    // What a header says of the one before may be a lie: the chain and the number are compared with those of the commit there.
    expect(await judged(first, claimed(id, 2, other))).toBe('malformed');
    expect(await judged(first, claimed(id, 3, mine))).toBe('malformed');
    expect(await judged(first, claimed(random(32), 2, mine))).toBe('malformed');
    expect(await judged(first, claimed(null, 1, mine))).toBe('malformed');
    expect(await judged(first, claimed(null, 1, other))).toBe('malformed');
  });

  it('stand in a part of the mesh layer, and in no other', async () => {
    const sealed = await sealObject({ ...context, layer: 'vault' }, utf8('content'), random);
    expect(codeOf(() => splitBundle(concat(uintBytes(sealed.length, 4), sealed)))).toBe('malformed');
  });
});

describe('a bundle', () => {
  it('comes back as it was sealed', async () => {
    const bundle = await seal();
    const claimed = await read(bundle);
    expect(claimed.epoch).toBe(2);
    expect(claimed.sealer).toEqual(device);
    expect(claimed.commits).toEqual(three.commits);
    const [first] = three.commits as [ClaimedCommit];
    expect(await openBlocks(splitBundle(bundle), pid, vaultLayerKey, first.parsed)).toEqual(three.blocks);
  });

  it('without updates has no vault part, and needs no vault key', async () => {
    const { commits } = chainOf(1);
    const [{ parsed: before }] = commits as [ClaimedCommit];
    const empty = chainOf(2, before.incarnation, { seq: 1, id: before.id }).commits.slice(1);
    const parts = { commits: empty, blocks: [[]] };
    const bundle = await sealBundle({
      pid,
      epoch: 2,
      meshLayerKey,
      vaultLayerKey: undefined,
      sealer: device,
      signSeed: anna.seed,
      random,
      ...parts,
    });
    const split = splitBundle(bundle);
    expect(split.vault).toHaveLength(0);
    expect((await read(bundle)).commits).toHaveLength(1);
    expect(await openBlocks(split, pid, vaultLayerKey, { chain: before.chain, seq: 3 })).toEqual([]);
  });

  it('with updates is locked without a vault key', async () => {
    const sealing = sealBundle({
      pid,
      epoch: 2,
      meshLayerKey,
      vaultLayerKey: undefined,
      sealer: device,
      signSeed: anna.seed,
      random,
      commits: three.commits,
      blocks: three.blocks.map((block) => [block]),
    });
    expect(await rejectionOf(sealing)).toBe('locked');
  });

  it('has the envelope and the order of docs/protocol.md, 6', async () => {
    const bundle = await seal();
    const { mesh, vault } = splitBundle(bundle);
    const [envelope, signature, headers] = decode(await openObject(context, mesh)) as [Value, Value, Value];
    expect(envelope).toEqual([2, sha256(vault), device]);
    expect(signature).toEqual(
      signStatement(
        anna.seed,
        pid,
        'envelope',
        2,
        sha256(vault),
        device,
        three.commits.map(({ parsed }) => parsed.id),
      ),
    );
    expect(headers).toEqual(three.commits.map(({ header, signature: signed }) => [header, signed]));
    const [{ parsed }] = three.commits as [ClaimedCommit];
    const owner = {
      layer: 'vault',
      epoch: 2,
      key: vaultLayerKey,
      pid,
      kind: 'updates',
      owner: parsed.chain,
      sequence: 1,
    } as const;
    const expected = concat(...three.blocks.flatMap((block) => [uintBytes(block.length, 4), block]));
    expect(hex(await openObject(owner, vault))).toBe(hex(expected));
  });
});

describe('splitting', () => {
  const refused: readonly (readonly [string, (bundle: Bytes) => Bytes, string])[] = [
    ['nothing', () => new Uint8Array(0), 'malformed'],
    ['three bytes', () => new Uint8Array(3), 'malformed'],
    ['more than 16 MiB', () => new Uint8Array(16 * 1024 * 1024 + 1), 'malformed'],
    ['a mesh part longer than the bundle', (b) => concat(uintBytes(b.length, 4), b.subarray(4)), 'malformed'],
    [
      'a mesh part of more than 1 MiB',
      () => concat(uintBytes(1024 * 1024 + 1, 4), new Uint8Array(2 * 1024 * 1024)),
      'malformed',
    ],
    ['a mesh part of nothing', (b) => concat(uintBytes(0, 4), b.subarray(4)), 'malformed'],
    ['another magic', (b) => flip(b, 4), 'unsupported'],
    ['a newer version', (b) => flip(b, 8), 'unsupported'],
    ['another suite', (b) => flip(b, 9), 'unsupported'],
    ['a first part of an unknown layer', (b) => flip(b, 10), 'malformed'],
    ['a second part of another epoch', (b) => flip(b, 4 + meshLength(b) + 10), 'malformed'],
    ['a second part of another layer', (b) => flip(b, 4 + meshLength(b) + 6), 'malformed'],
  ];
  for (const [what, change, code] of refused) {
    it(`${what} is ${code}`, async () => {
      const bundle = change(await seal());
      expect(codeOf(() => splitBundle(bundle))).toBe(code);
    });
  }
});

describe('a bundle of 16 MiB', () => {
  it('is looked at, and with one byte more it is malformed, whatever its first bytes say', async () => {
    const bundle = await seal();
    const filled = (length: number) => concat(bundle, new Uint8Array(length - bundle.length));
    expect(splitBundle(filled(16 * 1024 * 1024)).epoch).toBe(2);
    expect(codeOf(() => splitBundle(filled(16 * 1024 * 1024 + 1)))).toBe('malformed');
  });
});

describe('opening', () => {
  it('with another mesh key, epoch or passport fails', async () => {
    const bundle = await seal();
    expect(await rejectionOf(openBundle(splitBundle(bundle), pid, random(32)))).toBe('decryption-failed');
    expect(await rejectionOf(openBundle(splitBundle(bundle), random(32), meshLayerKey))).toBe('decryption-failed');
    const moved = copy(bundle);
    moved[4 + 10] = 3;
    moved[4 + meshLength(bundle) + 10] = 3;
    expect(await rejectionOf(openBundle(splitBundle(moved), pid, meshLayerKey))).toBe('decryption-failed');
  });

  const content: readonly (readonly [string, (content: Value[]) => Value])[] = [
    ['a fourth field', (c) => [...c, 0]],
    ['no signature', (c) => [c[0]!, c[2]!]],
    ['no commits', (c) => [c[0]!, c[1]!, []]],
    ['65 commits', (c) => [c[0]!, c[1]!, Array(65).fill((c[2] as Value[])[0])]],
    ['another epoch in the envelope', (c) => [[3, ...(c[0] as Value[]).slice(1)], c[1]!, c[2]!]],
    ['another hash of the vault part', (c) => [[2, new Uint8Array(32), (c[0] as Value[])[2]!], c[1]!, c[2]!]],
    ['a sealer of 15 bytes', (c) => [[...(c[0] as Value[]).slice(0, 2), new Uint8Array(15)], c[1]!, c[2]!]],
    ['a signature of 63 bytes', (c) => [c[0]!, new Uint8Array(63), c[2]!]],
    ['the commits in another order', (c) => [c[0]!, c[1]!, [...(c[2] as Value[])].reverse()]],
    ['a commit twice', (c) => [c[0]!, c[1]!, [(c[2] as Value[])[0]!, ...(c[2] as Value[])]]],
    ['a hole between commits', (c) => [c[0]!, c[1]!, [(c[2] as Value[])[0]!, (c[2] as Value[])[2]!]]],
    ['a header that is none', (c) => [c[0]!, c[1]!, [[new Uint8Array(10), new Uint8Array(64)]]]],
    ['only commits without updates, and a vault part', (c) => [c[0]!, c[1]!, [(c[2] as Value[])[1]!]]],
  ];
  for (const [what, change] of content) {
    it(`one with ${what} is malformed`, async () => {
      const bundle = await forge(change);
      expect(await rejectionOf(openBundle(splitBundle(bundle), pid, meshLayerKey))).toBe('malformed');
    });
  }

  it('one with commits of another chain among its own is malformed', async () => {
    const stranger = chainOf(1, random(16));
    const bundle = await seal({
      commits: [...three.commits, ...stranger.commits],
      blocks: [...three.blocks, ...stranger.blocks],
    });
    expect(await rejectionOf(openBundle(splitBundle(bundle), pid, meshLayerKey))).toBe('malformed');
  });

  it('one whose second commit follows a clone of the first is malformed', async () => {
    const [first] = three.commits as [ClaimedCommit];
    const clone = chainOf(2, first.parsed.incarnation);
    const time = { ...first.parsed, time: 7 };
    const header = encodeHeader(time);
    const parsed = parseHeader(pid, header);
    const mixed = [
      { header, parsed, signature: signCommit(anna.seed, pid, parsed.id) },
      clone.commits[1] as ClaimedCommit,
    ];
    const bundle = await seal({ commits: mixed, blocks: [three.blocks[0] as Bytes, new Uint8Array(0)] });
    expect(await rejectionOf(openBundle(splitBundle(bundle), pid, meshLayerKey))).toBe('malformed');
  });

  it('one whose vault part is that of another bundle, cut off, extended or gone is malformed', async () => {
    const { vault } = splitBundle(await seal());
    const bundle = await seal();
    const head = bundle.subarray(0, 4 + meshLength(bundle));
    for (const part of [
      vault,
      vault.slice(0, -1),
      concat(splitBundle(bundle).vault, new Uint8Array(1)),
      new Uint8Array(0),
    ]) {
      const changed = concat(head, part);
      expect(await rejectionOf(openBundle(splitBundle(changed), pid, meshLayerKey))).toBe('malformed');
    }
  });
});

describe('authenticating', () => {
  it('needs the signatures of sealer and author', async () => {
    const claimed = await openBundle(splitBundle(await seal()), pid, meshLayerKey);
    const outcome = (sealer: Bytes, author: Bytes) => codeOf(() => authenticateBundle(claimed, pid, sealer, author));
    expect(outcome(anna.publicKey, anna.publicKey)).toBe('no error');
    expect(outcome(berta.publicKey, anna.publicKey)).toBe('signature-invalid');
    expect(outcome(anna.publicKey, berta.publicKey)).toBe('signature-invalid');
  });

  it('covers the epoch, the vault part, the sealer, and which commits they are', async () => {
    const { commits } = three;
    const [a, b] = commits as [ClaimedCommit, ClaimedCommit];
    const vault = splitBundle(await seal()).vault;
    const ids = commits.map(({ parsed }) => parsed.id);
    const statements: Value[][] = [
      [3, sha256(vault), device, ids],
      [2, sha256(utf8('other')), device, ids],
      [2, sha256(vault), random(16), ids],
      [2, sha256(vault), device, [a.parsed.id, b.parsed.id]],
      [2, sha256(vault), device, [...ids].reverse()],
    ];
    for (const statement of statements) {
      const signature = signStatement(anna.seed, pid, 'envelope', ...statement);
      const claimed = await openBundle(splitBundle(await forge((c) => [c[0]!, signature, c[2]!])), pid, meshLayerKey);
      expect(codeOf(() => authenticateBundle(claimed, pid, anna.publicKey, anna.publicKey))).toBe('signature-invalid');
    }
  });

  it('refuses one commit whose signature is that of another', async () => {
    const [first, ...others] = three.commits as [ClaimedCommit, ClaimedCommit];
    const swapped = [{ ...first, signature: others[0].signature }, ...others];
    const claimed = await openBundle(splitBundle(await seal({ ...three, commits: swapped })), pid, meshLayerKey);
    expect(codeOf(() => authenticateBundle(claimed, pid, anna.publicKey, anna.publicKey))).toBe('signature-invalid');
  });
});

describe('the vault part', () => {
  const place = (three.commits[0] as ClaimedCommit).parsed;

  it('opens under its own chain and number only', async () => {
    const split = splitBundle(await seal());
    expect(await rejectionOf(openBlocks(split, pid, vaultLayerKey, { chain: random(16), seq: 1 }))).toBe(
      'decryption-failed',
    );
    expect(await rejectionOf(openBlocks(split, pid, vaultLayerKey, { ...place, seq: 2 }))).toBe('decryption-failed');
    expect(await rejectionOf(openBlocks(split, pid, random(32), place))).toBe('decryption-failed');
  });

  it('that is no list of blocks is malformed', async () => {
    const { mesh } = splitBundle(await seal());
    const vault = {
      layer: 'vault',
      epoch: 2,
      key: vaultLayerKey,
      pid,
      kind: 'updates',
      owner: place.chain,
      sequence: 1,
    } as const;
    for (const data of [
      new Uint8Array(3),
      uintBytes(1, 4),
      concat(uintBytes(2, 4), utf8('abc')),
      uintBytes(4 * 1024 * 1024 + 1, 4),
      new Uint8Array(65 * 4),
    ]) {
      const split = { epoch: 2, mesh, vault: await sealObject(vault, data, random) };
      expect(await rejectionOf(openBlocks(split, pid, vaultLayerKey, place))).toBe('malformed');
    }
  });
});

describe('any change of a stored bundle', () => {
  it('is noticed, at the latest by the signatures', async () => {
    const bundle = await seal();
    const step = Math.ceil(bundle.length / 200);
    for (let at = 0; at < bundle.length; at += step) {
      const outcome = await rejectionOf(read(flip(bundle, at)));
      expect(['malformed', 'unsupported', 'decryption-failed']).toContain(outcome);
    }
    for (const length of [0, 4, 100, bundle.length - 1]) {
      expect(['malformed', 'unsupported', 'decryption-failed']).toContain(
        await rejectionOf(read(bundle.slice(0, length))),
      );
    }
    expect(await rejectionOf(read(concat(bundle, new Uint8Array(1))))).toBe('malformed');
    expect(equal(bundle, await seal())).toBe(false);
  });
});

function flip(bytes: Bytes, at: number): Bytes {
  const flipped = copy(bytes);
  flipped[at] = (flipped[at] as number) ^ 1;
  return flipped;
}

function meshLength(bundle: Bytes): number {
  return new DataView(bundle.buffer, bundle.byteOffset).getUint32(0);
}
