/** Vectors of bundles: the parts, the envelope, the headers together, who sealed and who wrote, and the updates. */
import { type Bytes, concat, equal, uintBytes } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { type Layer, sealObject } from '../../../src/crypto/object.ts';
import { signStatement } from '../../../src/crypto/sign.ts';
import { encodeBlock } from '../../../src/format/update.ts';
import { brokenForms } from '../forms.ts';
import { type Fields, flip, Maker, row, splice } from '../maker.ts';
import { Author, claimed, type Commit, put } from './author.ts';

/** What is sealed, with a place for each lie. */
interface Parts {
  readonly commits: readonly Commit[];
  readonly sealer?: Author;
  readonly epoch?: number;
  readonly epochInside?: number;
  readonly vaultEpoch?: number;
  readonly vault?: 'none' | 'other-hash';
  readonly blocks?: Bytes;
  readonly vaultContext?: {
    readonly owner?: Bytes;
    readonly sequence?: number;
    readonly kind?: string;
    readonly layer?: Layer;
  };
  readonly meshContext?: {
    readonly owner?: Bytes;
    readonly sequence?: number;
    readonly kind?: string;
    readonly layer?: Layer;
  };
  readonly signature?: (fields: Value[]) => Bytes;
  readonly content?: (content: Value[]) => Bytes;
}

export async function makeBundle(): Promise<Maker> {
  const m = new Maker(
    'bundle',
    'docs/protocol.md 6, Bundle',
    'Bundles (the envelope around commits), in the order of checks.',
  );
  const { random } = m;
  const pid = row(0);
  const [anna, berta, stranger] = [new Author(pid, random), new Author(pid, random), new Author(pid, random)];
  const [meshKey, vaultKey] = [row(0x20), row(0x21)];
  const [e0, e1] = [row(0x30), row(0x31)];
  const both = [anna, berta].map(({ device, signKey }) => [device, signKey]);
  const entries = m.give('entries', [
    { id: e0, epoch: 0, devices: both },
    { id: e1, epoch: 2, devices: both },
  ]);
  const chainOf = (commit: Commit) => claimed(pid, commit).parsed.chain;

  async function bundle(parts: Parts): Promise<Bytes> {
    const { commits, sealer = anna, epoch = 2 } = parts;
    const blocks =
      parts.blocks ??
      concat(
        ...commits.flatMap(({ updates }) => {
          const block = encodeBlock(updates);
          return [uintBytes(block.length, 4), block];
        }),
      );
    const written = commits.some(({ updates }) => updates.length > 0) && parts.vault !== 'none';
    const vault = written
      ? await sealObject(
          {
            layer: 'vault',
            epoch: parts.vaultEpoch ?? epoch,
            key: vaultKey,
            pid,
            kind: 'updates',
            owner: chainOf(commits[0]!),
            sequence: commits[0]!.seq,
            ...parts.vaultContext,
          },
          blocks,
          random,
        )
      : new Uint8Array(0);
    const vaultHash = parts.vault === 'other-hash' ? row(1) : sha256(vault);
    const inside = parts.epochInside ?? epoch;
    const fields: Value[] = [inside, vaultHash, sealer.device, commits.map(({ id }) => id)];
    const signature = parts.signature?.(fields) ?? signStatement(sealer.seed, pid, 'envelope', ...fields);
    const content: Value[] = [
      [inside, vaultHash, sealer.device],
      signature,
      commits.map(({ header, signature: own }) => [header, own]),
    ];
    const mesh = await sealObject(
      { layer: 'mesh', epoch, key: meshKey, pid, kind: 'commits', owner: pid, sequence: 0, ...parts.meshContext },
      parts.content?.(content) ?? encode(content),
      random,
    );
    return concat(uintBytes(mesh.length, 4), mesh, vault);
  }
  const input = (bytes: Bytes, also: Fields = {}): Fields => ({
    pid,
    meshLayerKey: meshKey,
    vaultLayerKey: vaultKey,
    epoch: 2,
    entries,
    bundle: bytes,
    ...also,
  });

  const a1 = anna.commit({ registry: e0, writes: [put('x', '1')] });
  const a2 = anna.commit({ registry: e1, after: a1, writes: [put('y', '2'), put('z', '3')] });
  const a3 = anna.commit({ registry: e1, after: a2 });
  const quiet = anna.commit({ registry: e1 });
  const place = { chain: chainOf(a1), first: 1, last: 3 };
  const whole = await bundle({ commits: [a1, a2, a3] });
  await m.pass('three', 'bundle-open', input(whole, { name: place }));
  await m.pass('locked', 'bundle-open', { ...input(whole), vaultLayerKey: null });
  await m.pass('no-updates', 'bundle-open', input(await bundle({ commits: [quiet] })));
  await m.pass('by-berta', 'bundle-open', input(await bundle({ commits: [a1, a2], sealer: berta })));
  await m.pass(
    'from-second',
    'bundle-open',
    input(await bundle({ commits: [a2, a3] }), { name: { ...place, first: 2 } }),
  );
  await m.pass('long-chain', 'bundle-open', input(await bundle({ commits: chain(anna, e1, 64) })));
  await m.pass(
    'unknown-entry',
    'bundle-open',
    input(await bundle({ commits: [anna.commit({ registry: row(0x39) })] })),
  );
  await m.pass('unknown-sealer', 'bundle-open', input(await bundle({ commits: [a1], sealer: stranger })));
  await m.pass(
    'first-before-unknown',
    'bundle-open',
    input(await bundle({ commits: [a1, anna.commit({ registry: row(0x39), after: a1 })] })),
  );

  const good = await bundle({ commits: [a1] });
  const mesh = 4 + new DataView(good.buffer).getUint32(0);
  const bytes: [string, Bytes, 'parse' | 'unsupported' | 'context' | 'commitment' | 'tag' | 'bound', string][] = [
    ['empty', new Uint8Array(0), 'parse', 'nothing'],
    ['short', good.slice(0, 3), 'parse', 'three bytes'],
    ['cut-mesh', good.slice(0, mesh - 1), 'parse', 'the mesh part is cut off'],
    ['cut-vault', good.slice(0, -1), 'context', 'the vault part is cut off: its hash is another one'],
    ['no-vault', good.slice(0, mesh), 'context', 'the vault part is missing'],
    ['trailing', concat(good, Uint8Array.of(0)), 'context', 'a byte follows'],
    ['length-0', splice(good, 0, [0, 0, 0, 0]), 'parse', 'a mesh part of no bytes'],
    ['length-over', splice(good, 0, [0, 0x0f, 0xff, 0xff]), 'parse', 'a mesh length beyond the end'],
    ['length-bound', splice(good, 0, [0, 0x10, 0, 1]), 'bound', 'a mesh length of 1 MiB and a byte'],
    ['length-max', splice(good, 0, [0xff, 0xff, 0xff, 0xff]), 'bound', 'a mesh length of 2^32-1'],
    ['magic', flip(good, 4), 'unsupported', 'magic of the mesh part'],
    ['version', splice(good, 8, [2]), 'unsupported', 'version of the mesh part'],
    ['suite', splice(good, 9, [2]), 'unsupported', 'suite of the mesh part'],
    ['mesh-layer', splice(good, 10, [2]), 'context', 'the mesh part says the vault layer'],
    ['vault-magic', flip(good, mesh), 'unsupported', 'magic of the vault part'],
    ['vault-version', splice(good, mesh + 4, [2]), 'unsupported', 'version of the vault part'],
    ['vault-layer', splice(good, mesh + 6, [1]), 'context', 'the vault part says the mesh layer'],
    ['vault-epoch', splice(good, mesh + 10, [3]), 'context', 'the vault part says another epoch'],
    [
      'swapped',
      concat(uintBytes(good.length - mesh, 4), good.slice(mesh), good.slice(4, mesh)),
      'context',
      'the parts are swapped',
    ],
    ['mesh-commitment', flip(good, 4 + 43), 'commitment', 'commitment of the mesh part'],
    ['mesh-salt', flip(good, 4 + 11), 'commitment', 'salt of the mesh part'],
    ['mesh-tag', flip(good, mesh - 1), 'tag', 'tag of the mesh part'],
    ['mesh-ciphertext', flip(good, 4 + 80), 'tag', 'ciphertext of the mesh part'],
    ['vault-bit', flip(good, -1), 'context', 'a bit of the vault part: its hash is another one'],
  ];
  for (const [name, each, layer, why] of bytes) await m.fail(name, 'bundle-open', input(each), layer, why);
  const other = await bundle({ commits: [anna.commit({ registry: e1, writes: [put('x', '1')] })] });
  await m.fail(
    'vault-of-other',
    'bundle-open',
    input(concat(good.slice(0, mesh), other.slice(mesh))),
    'context',
    'the vault part of another bundle',
  );
  await m.fail(
    'key',
    'bundle-open',
    input(good, { meshLayerKey: flip(meshKey) }),
    'commitment',
    'another mesh layer key',
  );
  await m.fail('pid', 'bundle-open', input(good, { pid: flip(pid) }), 'commitment', 'another passport');
  await m.fail('epoch', 'bundle-open', input(good, { epoch: 1 }), 'context', 'the key of another epoch');
  await m.fail(
    'vault-key',
    'bundle-open',
    input(good, { vaultLayerKey: flip(vaultKey) }),
    'commitment',
    'another vault layer key',
  );

  const made: [string, Parts, 'parse' | 'context' | 'commitment' | 'order' | 'signature', string][] = [
    ['made-epoch-inside', { commits: [a1], epochInside: 1 }, 'context', 'another epoch inside'],
    ['made-vault-epoch', { commits: [a1], vaultEpoch: 1 }, 'context', 'the vault part is of another epoch'],
    ['made-hash', { commits: [a1], vault: 'other-hash' }, 'context', 'the hash of another vault part'],
    ['made-no-vault', { commits: [a1], vault: 'none' }, 'context', 'updates and no vault part'],
    [
      'made-mesh-kind',
      { commits: [a1], meshContext: { kind: 'vote' } },
      'commitment',
      'the mesh part is of another kind',
    ],
    [
      'made-mesh-owner',
      { commits: [a1], meshContext: { owner: chainOf(a1) } },
      'commitment',
      'the mesh part is of another owner',
    ],
    [
      'made-mesh-sequence',
      { commits: [a1], meshContext: { sequence: 1 } },
      'commitment',
      'the mesh part has another number',
    ],
    [
      'made-mesh-layer',
      { commits: [a1], meshContext: { layer: 'wrap' } },
      'context',
      'the mesh part is of the wrap layer',
    ],
    [
      'made-vault-layer',
      { commits: [a1], vaultContext: { layer: 'mesh' } },
      'context',
      'the vault part is of the mesh layer',
    ],
    [
      'made-vault-kind',
      { commits: [a1], vaultContext: { kind: 'commits' } },
      'commitment',
      'the vault part is of another kind',
    ],
    [
      'made-vault-owner',
      { commits: [a1], vaultContext: { owner: pid } },
      'commitment',
      'the vault part is of another owner',
    ],
    [
      'made-vault-chain',
      { commits: [a1], vaultContext: { owner: chainOf(quiet) } },
      'commitment',
      'the vault part is of another chain',
    ],
    [
      'made-vault-sequence',
      { commits: [a2], vaultContext: { sequence: 1 } },
      'commitment',
      'the vault part begins at another number',
    ],
    ['made-reordered', { commits: [a2, a1] }, 'order', 'the commits are swapped'],
    ['made-hole', { commits: [a1, a3] }, 'order', 'a commit is left out'],
    ['made-twice', { commits: [a1, a1] }, 'order', 'a commit comes twice'],
    ['made-two-chains', { commits: [a1, quiet] }, 'order', 'commits of two chains'],
    ['made-two-devices', { commits: [a1, berta.commit({ registry: e1 })] }, 'order', 'commits of two devices'],
    [
      'made-clone',
      { commits: [a1, anna.commit({ registry: e1, after: { ...a1, id: row(5) } })] },
      'order',
      'the second one names another commit as the one before',
    ],
    ['made-65', { commits: chain(anna, e1, 65) }, 'parse', '65 commits'],
    ['made-none', { commits: [quiet], content: (c) => encode([c[0]!, c[1]!, []]) }, 'parse', 'no commit'],
    [
      'made-author-signature',
      { commits: [{ ...a1, signature: flip(a1.signature) }] },
      'signature',
      'a bit of the author’s signature is flipped',
    ],
    [
      'made-author-replayed',
      { commits: [{ ...a1, signature: a2.signature }, a2] },
      'signature',
      'the author’s signature of another commit',
    ],
    [
      'made-second-signature',
      { commits: [a1, { ...a2, signature: a1.signature }] },
      'signature',
      'the second commit has the signature of the first',
    ],
    [
      'made-by-sealer',
      { commits: [{ ...a1, signature: signStatement(berta.seed, pid, 'commit-id', a1.id) }], sealer: berta },
      'signature',
      'the sealer signed in the author’s name',
    ],
    ['made-stranger', { commits: [stranger.commit({ registry: e1 })] }, 'context', 'its author never was a device'],
    [
      'made-sealer-bit',
      { commits: [a1], signature: (f) => flip(signStatement(anna.seed, pid, 'envelope', ...f), 40) },
      'signature',
      'a bit of the sealer’s signature is flipped',
    ],
    [
      'made-sealer-other',
      { commits: [a1], signature: (f) => signStatement(berta.seed, pid, 'envelope', ...f) },
      'signature',
      'another device signed for the sealer',
    ],
    [
      'made-sealer-pid',
      { commits: [a1], signature: (f) => signStatement(anna.seed, row(1), 'envelope', ...f) },
      'signature',
      'sealed for another passport',
    ],
    [
      'made-sealer-use',
      { commits: [a1], signature: (f) => signStatement(anna.seed, pid, 'commits', ...f) },
      'signature',
      'a signature of another use',
    ],
    [
      'made-sealer-epoch',
      { commits: [a1], signature: ([, ...f]) => signStatement(anna.seed, pid, 'envelope', 1, ...f) },
      'signature',
      'signed for another epoch',
    ],
    [
      'made-sealer-hash',
      { commits: [a1], signature: ([e, , ...f]) => signStatement(anna.seed, pid, 'envelope', e!, row(1), ...f) },
      'signature',
      'signed for another vault part',
    ],
    [
      'made-sealer-name',
      {
        commits: [a1],
        signature: ([e, h, , c]) => signStatement(anna.seed, pid, 'envelope', e!, h!, berta.device, c!),
      },
      'signature',
      'signed as another sealer',
    ],
    [
      'made-sealer-fewer',
      { commits: [a1, a2], signature: (f) => signStatement(anna.seed, pid, 'envelope', ...f.slice(0, 3), [a1.id]) },
      'signature',
      'signed for one commit of two',
    ],
    [
      'made-sealer-more',
      { commits: [a1], signature: (f) => signStatement(anna.seed, pid, 'envelope', ...f.slice(0, 3), [a1.id, a2.id]) },
      'signature',
      'signed for one commit more',
    ],
    ['made-blocks-none', { commits: [a1], blocks: new Uint8Array(0) }, 'commitment', 'the vault part is empty'],
    [
      'made-blocks-fewer',
      { commits: [a1, a2], blocks: framed(encodeBlock(a1.updates)) },
      'commitment',
      'the block of the second commit is missing',
    ],
    [
      'made-blocks-swapped',
      { commits: [a1, a2], blocks: concat(framed(encodeBlock(a2.updates)), framed(encodeBlock(a1.updates))) },
      'parse',
      'the blocks are swapped: more updates than the first header says',
    ],
    [
      'made-blocks-cut',
      { commits: [a1], blocks: framed(encodeBlock(a1.updates)).slice(0, -1) },
      'parse',
      'a block is cut off',
    ],
    [
      'made-blocks-update',
      { commits: [a1], blocks: framed(flip(encodeBlock(a1.updates), 33)) },
      'parse',
      'a bit of the update’s length is flipped',
    ],
    [
      'made-blocks-blind',
      { commits: [a1], blocks: framed(flip(encodeBlock(a1.updates), 3)) },
      'commitment',
      'a bit of a blind is flipped',
    ],
    [
      'made-blocks-empty',
      { commits: [a1], blocks: framed(new Uint8Array(0)) },
      'commitment',
      'a block without updates',
    ],
  ];
  for (const [name, parts, layer, why] of made)
    await m.fail(name, 'bundle-open', input(await bundle(parts)), layer, why);
  for (const [name, change] of [
    ['chain', { chain: chainOf(quiet) }],
    ['first', { first: 2 }],
    ['last', { last: 4 }],
  ] as const)
    await m.fail(
      `name-${name}`,
      'bundle-open',
      input(whole, { name: { ...place, ...change } }),
      'context',
      `another ${name} in the name`,
    );

  const content: Value[] = [[2, sha256(), anna.device], new Uint8Array(64), [[quiet.header, quiet.signature]]];
  for (const [name, bytes, why] of brokenForms(content, ['envelope', 'signature', 'commits'], ['signature']).slice(
    0,
    30,
  ))
    await m.fail(
      `form-${name}`,
      'bundle-open',
      input(await bundle({ commits: [quiet], content: () => bytes })),
      'parse',
      `the mesh part: ${why}`,
    );
  const header = anna.signed(encode([anna.device, row(1, 16), 1, null, [], e1, 0, 0, sha256()]));
  await m.fail(
    'form-header',
    'bundle-open',
    input(await bundle({ commits: [{ ...quiet, header: header.header, signature: header.signature }] })),
    'parse',
    'a header of nine fields',
  );
  const entered = m.give('later', [
    { id: e0, epoch: 0, devices: both.slice(1) },
    { id: e1, epoch: 2, devices: both },
  ]);
  await m.fail(
    'before-entering',
    'bundle-open',
    input(whole, { entries: entered }),
    'context',
    'a header names an entry at which its author was no device yet',
  );
  if (!equal(chainOf(a1), chainOf(a2))) throw new Error('the chain is another one');
  return m;
}

function framed(block: Bytes): Bytes {
  return concat(uintBytes(block.length, 4), block);
}

function chain(author: Author, registry: Bytes, count: number): Commit[] {
  const commits = [author.commit({ registry })];
  while (commits.length < count) commits.push(author.commit({ registry, after: commits.at(-1)! }));
  return commits;
}
