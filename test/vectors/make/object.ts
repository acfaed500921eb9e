/**
 * Vectors of objects: sizes around the chunk and padding edges, every bound field, the cases of C2SP CCTV `age` on STREAM
 * (stream_*), and the three objects that carry keys.
 */
import { type Bytes, concat, uintBytes } from '../../../src/bytes.ts';
import { encode } from '../../../src/cbor.ts';
import { kekLinkKey, meshLinkKey, wrapKey } from '../../../src/crypto/keys.ts';
import { type ObjectContext, sealObject } from '../../../src/crypto/object.ts';
import { padme } from '../../../src/crypto/padding.ts';
import { type Fields, flip, Maker, row, splice } from '../maker.ts';
import { layerOf } from '../ops/object.ts';

const CHUNK = 65_536;
const CCTV = {
  name: 'C2SP CCTV, age (stream_* cases)',
  version: 'as of 2025',
  licence: 'CC0-1.0 or similar; only the ideas of the cases are used',
  how: 'the hostile shapes of a STREAM, built again in the format of docs/protocol.md 4',
};

const nonce = (index: number, last: number) => concat(uintBytes(index, 11), Uint8Array.of(last));
const rep = (byte: string, length: number) => ({ repeat: byte, length });

/** Padded data as parts: u64 length, then `length` bytes 0x61, then zeros. */
function padded(length: number): { parts: (string | { repeat: string; length: number })[]; total: number } {
  const total = Math.max(1024, padme(8 + length));
  const head = length.toString(16).padStart(16, '0');
  return { parts: [head, rep('61', length), rep('00', total - 8 - length)], total };
}

/** Cuts parts into chunks of 64 KiB (the last one shorter), as a writer would. */
function cut(parts: (string | { repeat: string; length: number })[], size = CHUNK) {
  const chunks: (string | { repeat: string; length: number })[][] = [[]];
  let room = size;
  for (const part of parts) {
    if (typeof part === 'string') {
      chunks.at(-1)!.push(part);
      room -= part.length / 2;
      continue;
    }
    for (let left = part.length; left > 0;) {
      if (room === 0) {
        chunks.push([]);
        room = size;
      }
      const now = Math.min(left, room);
      chunks.at(-1)!.push(rep(part.repeat, now));
      left -= now;
      room -= now;
    }
  }
  return chunks;
}

export async function makeObject(): Promise<Maker> {
  const m = new Maker(
    'object',
    'docs/protocol.md 4',
    'Sealed objects. An object is its bytes, or the description of one: {header (43 bytes), commitment (else the right one), ' +
      'chunks [{nonce, plaintext}], rest}; plaintext and data may be lists of hex and {repeat, length}.',
    [CCTV],
  );
  const { random } = m;
  const pid = row(0);
  const at = { layerKey: row(0x20), layer: 1, epoch: 3, pid, kind: 'entry', owner: pid, sequence: 7 };
  const contextOf = (fields: typeof at): ObjectContext => {
    const { layerKey, layer, ...rest } = fields;
    return { ...rest, key: layerKey, layer: layerOf(layer) };
  };
  const salt = row(0xe0);

  const sizes = [
    0, 1, 1015, 1016, 1017, 1024, 1080, 1081, 4000, 32_760, 32_761, 63_480, 63_481, 65_527, 65_528, 65_529,
  ];
  sizes.push(65_536, 67_576, 67_577, 100_000, 131_064, 131_065, 135_160, 135_161, 200_000);
  for (const length of sizes) await m.pass(`seal-${length}`, 'object-seal', { ...at, salt, data: [rep('61', length)] });
  for (const length of [0, 1, 1016, 1017, 65_528, 65_529, 131_064, 131_065, 300_000]) {
    const { parts } = padded(length);
    const chunks = cut(parts);
    await m.pass(`open-${length}`, 'object-open', {
      ...at,
      object: {
        header: concat(row(0, 0), header(at.layer, at.epoch, salt)),
        chunks: chunks.map((plaintext, i) => ({ nonce: nonce(i, i === chunks.length - 1 ? 1 : 0), plaintext })),
      },
    });
  }

  const object = await sealObject(contextOf(at), row(1, 40), () => salt);
  await m.pass('open', 'object-open', { ...at, object });
  const layers = [
    [1, 'entry', 'mesh'],
    [1, 'vote', 'mesh'],
    [1, 'commits', 'mesh'],
    [2, 'updates', 'vault'],
    [3, 'wrap', 'wrap'],
    [4, 'mesh-link', 'mesh link'],
    [5, 'kek-link', 'KEK link'],
  ] as const;
  for (const [layer, kind, what] of layers) {
    const here = { ...at, layer, kind };
    await m.pass(`layer-${kind}`, 'object-open', {
      ...here,
      object: await sealObject(contextOf(here), row(7, 5), random),
    });
    if (kind !== 'entry')
      await m.fail(
        `layer-${kind}-as-entry`,
        'object-open',
        { ...at, object: await sealObject(contextOf(here), row(7, 5), random) },
        layer === 1 ? 'commitment' : 'context',
        `an object of the ${what} layer, kind "${kind}", where an entry is expected, sealed with the same key`,
      );
  }

  const contexts: [string, Partial<typeof at>, 'commitment' | 'context', string][] = [
    ['key', { layerKey: flip(at.layerKey, 31) }, 'commitment', 'another layer key'],
    ['key-0', { layerKey: new Uint8Array(32) }, 'commitment', 'a layer key of zeros'],
    ['pid', { pid: flip(pid, 0) }, 'commitment', 'another passport'],
    ['kind', { kind: 'vote' }, 'commitment', 'another kind'],
    ['kind-case', { kind: 'Entry' }, 'commitment', 'another kind'],
    ['kind-empty', { kind: '' }, 'commitment', 'no kind'],
    ['owner', { owner: flip(pid, 31) }, 'commitment', 'another owner'],
    ['owner-short', { owner: pid.slice(0, 16) }, 'commitment', 'an owner of 16 bytes'],
    ['owner-empty', { owner: new Uint8Array(0) }, 'commitment', 'no owner'],
    ['sequence', { sequence: 8 }, 'commitment', 'the next slot'],
    ['sequence-0', { sequence: 0 }, 'commitment', 'slot 0'],
    ['sequence-large', { sequence: 2 ** 32 + 7 }, 'commitment', 'a slot that is the same modulo 2^32'],
    ['epoch', { epoch: 4 }, 'context', 'the next epoch is expected'],
    ['epoch-0', { epoch: 0 }, 'context', 'epoch 0 is expected'],
    ['layer', { layer: 2 }, 'context', 'the vault layer is expected'],
    ['layer-4', { layer: 4 }, 'context', 'the mesh link layer is expected'],
  ];
  for (const [name, change, layer, why] of contexts)
    await m.fail(`other-${name}`, 'object-open', { ...at, ...change, object }, layer, why);

  const bits: [number, 'unsupported' | 'context' | 'commitment' | 'tag', string][] = [
    [0, 'unsupported', 'magic'],
    [3, 'unsupported', 'magic'],
    [4, 'unsupported', 'version'],
    [5, 'unsupported', 'suite'],
    [6, 'context', 'layer'],
    [7, 'context', 'epoch'],
    [10, 'context', 'epoch'],
    [11, 'commitment', 'salt'],
    [42, 'commitment', 'salt'],
    [43, 'commitment', 'commitment'],
    [74, 'commitment', 'commitment'],
    [75, 'tag', 'ciphertext'],
    [83, 'tag', 'ciphertext'],
    [1098, 'tag', 'last byte of the ciphertext'],
    [1099, 'tag', 'tag'],
    [1114, 'tag', 'last byte of the tag'],
  ];
  for (const [offset, layer, what] of bits)
    await m.fail(
      `bit-${offset}`,
      'object-open',
      { ...at, object: flip(object, offset) },
      layer,
      `a bit of the ${what} is flipped`,
    );
  const named: [string, Bytes, 'unsupported', string][] = [
    ['version-2', splice(object, 4, [2]), 'unsupported', 'version 2'],
    ['version-0', splice(object, 4, [0]), 'unsupported', 'version 0'],
    ['suite-2', splice(object, 5, [2]), 'unsupported', 'suite 2'],
    ['suite-0', splice(object, 5, [0]), 'unsupported', 'suite 0'],
    ['magic-lower', splice(object, 0, [0x70, 0x6d, 0x73, 0x68]), 'unsupported', 'magic in lower case'],
    ['magic-age', splice(object, 0, [0x61, 0x67, 0x65, 0x2d]), 'unsupported', 'another file format'],
  ];
  for (const [name, bytes, layer, why] of named)
    await m.fail(name, 'object-open', { ...at, object: bytes }, layer, why);

  const lengths: [number, 'parse' | 'tag'][] = [
    [0, 'parse'],
    [6, 'parse'],
    [43, 'parse'],
    [75, 'parse'],
    [76, 'parse'],
    [91, 'parse'],
    [92, 'tag'],
    [1114, 'tag'],
  ];
  for (const [length, layer] of lengths)
    await m.fail(
      `cut-${length}`,
      'object-open',
      { ...at, object: object.slice(0, length) },
      layer,
      `cut to ${length} bytes`,
    );
  await m.fail(
    'trailing',
    'object-open',
    { ...at, object: concat(object, Uint8Array.of(0)) },
    'tag',
    'one byte follows',
  );
  await m.fail('twice', 'object-open', { ...at, object: concat(object, object) }, 'tag', 'the object follows itself');
  const salted = await sealObject(contextOf(at), row(1, 40), () => row(0xd0));
  await m.fail(
    'salt-swapped',
    'object-open',
    { ...at, object: splice(object, 11, salted.slice(11, 43)) },
    'commitment',
    'the salt of another object',
  );
  await m.fail(
    'body-swapped',
    'object-open',
    { ...at, object: concat(object.slice(0, 75), salted.slice(75)) },
    'tag',
    'the chunks of another object under the same layer key',
  );

  await streams(m, at, salt);
  await wholeObjects(m, at, contextOf(at), salt);
  await links(m, pid);
  return m;
}

function header(layer: number, epoch: number, salt: Bytes): Bytes {
  return concat(Uint8Array.of(0x50, 0x4d, 0x53, 0x48, 1, 1, layer), uintBytes(epoch, 4), salt);
}

/** Objects whose commitment is right and whose chunks are not those of a STREAM. */
async function streams(m: Maker, at: { layer: number; epoch: number } & Fields, salt: Bytes): Promise<void> {
  const first = header(at.layer, at.epoch, salt);
  const [a, b] = [[padded(1000).parts].flat(), rep('62', 2048)];
  const two = padded(65_529); // 65,536 and 2,048
  const [c0, c1] = cut(two.parts) as unknown as [Fields[], Fields[]];
  const exact = cut(padded(65_528).parts)[0]!; // exactly one full chunk
  const chunk = (index: number, last: number, plaintext: unknown) =>
    ({ nonce: nonce(index, last), plaintext }) as Fields;
  const cases: [string, Fields[], 'parse' | 'tag' | 'padding', string, string?][] = [
    [
      'last-empty',
      [chunk(0, 0, exact), chunk(1, 1, [])],
      'parse',
      'the last chunk is empty and another one is before it',
      'stream_last_chunk_empty',
    ],
    ['no-chunks', [], 'parse', 'no chunk at all', 'stream_no_chunks'],
    ['empty', [chunk(0, 1, [])], 'parse', 'the only chunk is empty', 'stream_empty_payload'],
    ['no-final', [chunk(0, 0, a)], 'tag', 'the only chunk is not marked as the last', 'stream_no_final'],
    ['no-final-full', [chunk(0, 0, exact)], 'tag', 'a full chunk, not marked as the last', 'stream_no_final_full'],
    [
      'no-final-two',
      [chunk(0, 0, c0), chunk(1, 0, c1)],
      'tag',
      'two chunks, none marked as the last',
      'stream_no_final_two_chunks',
    ],
    ['missing-final', [chunk(0, 0, c0)], 'tag', 'the last chunk is missing'],
    [
      'two-finals',
      [chunk(0, 1, exact), chunk(1, 1, [b])],
      'tag',
      'two chunks are marked as the last',
      'stream_two_final_chunks',
    ],
    [
      'two-finals-full',
      [chunk(0, 1, c0), chunk(1, 1, c1)],
      'tag',
      'two chunks are marked as the last',
      'stream_two_final_chunks',
    ],
    ['final-first', [chunk(0, 1, c0), chunk(1, 0, c1)], 'tag', 'the first chunk is marked as the last'],
    [
      'short-chunk',
      [chunk(0, 0, [...a]), chunk(1, 1, c1)],
      'tag',
      'a chunk that is not the last is short',
      'stream_short_chunk',
    ],
    [
      'short-second',
      [chunk(0, 0, c0), chunk(1, 0, c1), chunk(2, 1, [b])],
      'tag',
      'the second of three chunks is short',
      'stream_short_second_chunk',
    ],
    ['index-1', [chunk(1, 1, a)], 'tag', 'counting begins at 1'],
    ['index-twice', [chunk(0, 0, c0), chunk(0, 1, c1)], 'tag', 'the second chunk counts 0 again'],
    ['index-skipped', [chunk(0, 0, c0), chunk(2, 1, c1)], 'tag', 'a number is left out'],
    ['reordered', [chunk(1, 1, c1), chunk(0, 0, c0)], 'tag', 'the chunks are swapped'],
    ['dropped-first', [chunk(1, 1, c1)], 'tag', 'the first chunk is missing'],
    ['last-flag-2', [chunk(0, 2, a)], 'tag', 'the mark of the last chunk is 2'],
    [
      'little-endian',
      [chunk(0, 0, c0), { nonce: concat(Uint8Array.of(1), new Uint8Array(10), Uint8Array.of(1)), plaintext: c1 }],
      'tag',
      'the number is little-endian',
    ],
    ['trailing-chunk', [chunk(0, 0, c0), chunk(1, 1, c1), chunk(2, 1, [b])], 'tag', 'a chunk follows the last'],
    ['not-padded', [chunk(0, 1, ['0000000000000001', '61'])], 'padding', 'nothing is padded', 'generated'],
    [
      'padding-1023',
      [chunk(0, 1, ['0000000000000001', '61', rep('00', 1014)])],
      'padding',
      'a byte of padding is missing',
      'generated',
    ],
    [
      'padding-1025',
      [chunk(0, 1, ['0000000000000001', '61', rep('00', 1016)])],
      'padding',
      'a byte of padding is too many',
      'generated',
    ],
    [
      'padding-2048',
      [chunk(0, 1, ['0000000000000001', '61', rep('00', 2039)])],
      'padding',
      'padded to the next size but one',
      'generated',
    ],
    [
      'padding-not-zero',
      [chunk(0, 1, ['0000000000000001', '61', rep('00', 1014), '01'])],
      'padding',
      'the last byte of padding is 1',
      'generated',
    ],
    [
      'padding-first',
      [chunk(0, 1, ['0000000000000001', '6161', rep('00', 1014)])],
      'padding',
      'the first byte of padding is not 0',
      'generated',
    ],
    [
      'length-long',
      [chunk(0, 1, ['00000000000003f9', rep('61', 1016)])],
      'padding',
      'a length of one more than there is',
      'generated',
    ],
    ['length-2-53', [chunk(0, 1, ['0020000000000000', rep('00', 1016)])], 'padding', 'a length of 2^53', 'generated'],
    ['length-max', [chunk(0, 1, [rep('ff', 8), rep('00', 1016)])], 'padding', 'a length of 2^64-1', 'generated'],
    [
      'length-little',
      [chunk(0, 1, ['0100000000000000', '61', rep('00', 1015)])],
      'padding',
      'the length is little-endian',
      'generated',
    ],
  ];
  for (const [name, chunks, layer, why, source = 'generated'] of cases)
    await m.fail(
      `stream-${name}`,
      'object-open',
      { ...at, object: { header: first, chunks } },
      layer,
      why,
      source === 'generated' ? source : `after C2SP CCTV age, ${source}`,
    );
  await m.fail(
    'commitment-of-other-key',
    'object-open',
    { ...at, object: { header: first, commitment: row(0x11), chunks: [chunk(0, 1, a)] } },
    'commitment',
    'every chunk opens, and the commitment is another one',
  );
  await m.fail(
    'version-2-sealed',
    'object-open',
    { ...at, object: { header: splice(first, 4, [2]), chunks: [chunk(0, 1, a)] } },
    'unsupported',
    'version 2, commitment and chunks made for it',
  );
  await m.fail(
    'suite-2-sealed',
    'object-open',
    { ...at, object: { header: splice(first, 5, [2]), chunks: [chunk(0, 1, a)] } },
    'unsupported',
    'suite 2, commitment and chunks made for it',
  );
  await m.fail(
    'layer-9-sealed',
    'object-open',
    { ...at, object: { header: splice(first, 6, [9]), chunks: [chunk(0, 1, a)] } },
    'context',
    'layer 9, commitment and chunks made for it',
  );
  await m.fail(
    'layer-0-sealed',
    'object-open',
    { ...at, object: { header: splice(first, 6, [0]), chunks: [chunk(0, 1, a)] } },
    'context',
    'layer 0, commitment and chunks made for it',
  );
}

/** A few objects of two chunks as a store has them. */
async function wholeObjects(m: Maker, at: Fields, context: ObjectContext, salt: Bytes): Promise<void> {
  const object = await sealObject(context, new Uint8Array(65_529).fill(0x61), () => salt);
  const end = 75 + CHUNK + 16;
  await m.pass('whole-two-chunks', 'object-open', { ...at, object });
  const swapped = concat(object.slice(0, 75), object.slice(end), object.slice(75, end));
  await m.fail('whole-swapped', 'object-open', { ...at, object: swapped }, 'tag', 'the two chunks are swapped');
  await m.fail('whole-cut', 'object-open', { ...at, object: object.slice(0, end) }, 'tag', 'the last chunk is cut off');
}

async function links(m: Maker, pid: Bytes): Promise<void> {
  const { random } = m;
  const [mesh, kek, vek] = [row(0xc0), row(0x90), row(0x40)];
  const old = row(0xa0);
  const seal = (layer: ObjectContext['layer'], key: Bytes, kind: string, sequence: number, data: Bytes, epoch = 1) =>
    sealObject({ layer, epoch, key, pid, kind, owner: pid, sequence }, data, random);
  const link = await sealObject(
    { layer: 'meshLink', epoch: 1, key: meshLinkKey(pid, 1, mesh), pid, kind: 'mesh-link', owner: pid, sequence: 5 },
    old,
    () => row(0xe0),
  );
  const mesh1 = { pid, slot: 5, epoch: 1, meshKey: mesh };
  await m.pass(
    'mesh-link',
    'mesh-link-open',
    { ...mesh1, link },
    { source: 'docs/protocol.md 9', result: { meshKey: old } },
  );
  await m.fail(
    'mesh-link-slot',
    'mesh-link-open',
    { ...mesh1, slot: 6, link },
    'commitment',
    'the link of another slot',
  );
  await m.fail(
    'mesh-link-epoch',
    'mesh-link-open',
    { ...mesh1, epoch: 2, link },
    'context',
    'the link of another epoch',
  );
  await m.fail(
    'mesh-link-key',
    'mesh-link-open',
    { ...mesh1, meshKey: flip(mesh), link },
    'commitment',
    'another mesh key',
  );
  await m.fail('mesh-link-pid', 'mesh-link-open', { ...mesh1, pid: flip(pid), link }, 'commitment', 'another passport');

  const kekLink = await seal('kekLink', kekLinkKey(pid, 1, kek), 'kek-link', 1, old);
  const kek1 = { pid, epoch: 1, kek };
  await m.pass('kek-link', 'kek-link-open', { ...kek1, link: kekLink });
  await m.fail(
    'kek-link-kek',
    'kek-link-open',
    { ...kek1, kek: flip(kek), link: kekLink },
    'commitment',
    'another KEK',
  );
  await m.fail(
    'kek-link-slot',
    'kek-link-open',
    { ...kek1, link: await seal('kekLink', kekLinkKey(pid, 1, kek), 'kek-link', 5, old) },
    'commitment',
    'its sequence is the slot and not the epoch',
  );
  await m.fail('kek-link-is-mesh-link', 'kek-link-open', { ...kek1, link }, 'context', 'a mesh link');
  await m.fail(
    'kek-link-kind',
    'kek-link-open',
    { ...kek1, link: await seal('kekLink', kekLinkKey(pid, 1, kek), 'mesh-link', 1, old) },
    'commitment',
    'another kind',
  );

  const wrap = await seal('wrap', wrapKey(pid, 1, vek), 'wrap', 5, encode([mesh, row(0x10)]));
  const wrap1 = { pid, slot: 5, epoch: 1, vek };
  const wrapped = (data: Bytes) => seal('wrap', wrapKey(pid, 1, vek), 'wrap', 5, data);
  await m.pass('wrap', 'wrap-open', { ...wrap1, wrap });
  await m.fail('wrap-vek', 'wrap-open', { ...wrap1, vek: flip(vek, 31), wrap }, 'commitment', 'another VEK');
  await m.fail('wrap-slot', 'wrap-open', { ...wrap1, slot: 4, wrap }, 'commitment', 'another slot');
  await m.fail('wrap-one', 'wrap-open', { ...wrap1, wrap: await wrapped(encode([mesh])) }, 'parse', 'no name root');
  await m.fail(
    'wrap-three',
    'wrap-open',
    { ...wrap1, wrap: await wrapped(encode([mesh, mesh, mesh])) },
    'parse',
    'three fields',
  );
  await m.fail(
    'wrap-31',
    'wrap-open',
    { ...wrap1, wrap: await wrapped(encode([mesh.slice(1), mesh])) },
    'parse',
    'a mesh key of 31 bytes',
  );
  await m.fail('wrap-raw', 'wrap-open', { ...wrap1, wrap: await wrapped(concat(mesh, row(0x10))) }, 'parse', 'no CBOR');
}
