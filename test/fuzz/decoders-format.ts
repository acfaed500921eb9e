/** Decoders that need no key: encodings, and every structure of src/format in its one encoding. */
import {
  base32,
  base64url,
  bytesUint,
  concat,
  fromBase32,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  uintBytes,
  utf8,
} from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { kitEntropy, kitWords } from '../../src/crypto/words.ts';
import { passphraseBytes } from '../../src/crypto/argon2.ts';
import { objectHeader } from '../../src/crypto/object.ts';
import { pad, unpad } from '../../src/crypto/padding.ts';
import { isSigningKey } from '../../src/crypto/sign.ts';
import { splitBundle } from '../../src/format/bundle.ts';
import { encodeHeader as encodeCommit, parseHeader } from '../../src/format/commit.ts';
import {
  encodeCore,
  encodeEntry,
  encodeRequest,
  holderFromValue,
  holderValue,
  parseEntry,
  parseRequest,
} from '../../src/format/entry.ts';
import { formatName, parseName } from '../../src/format/names.ts';
import {
  encodeHello,
  encodeInvitation,
  encodePairPlace,
  encodePairRole,
  encodeReveal,
  invitationLink,
  parseHello,
  parseInvitation,
  parseLink,
  parsePairPlace,
  parsePairRole,
  parseReveal,
} from '../../src/format/pairing.ts';
import { encodeBlock, parseUpdate, splitBlock } from '../../src/format/update.ts';
import {
  encodeCertificate,
  encodeDecided,
  encodeRegistryObject,
  encodeVote,
  parseCertificate,
  parseDecided,
  parseRegistryObject,
  parseVote,
} from '../../src/format/votes.ts';
import { readPairPlace } from '../../src/ceremonies/invite.ts';
import { encodeRefusal } from '../../src/ceremonies/pairing.ts';
import { decodeHeader, encodeHeader as encodeKeystore } from '../../src/node/keystore-header.ts';
import { type Decoder, textOf } from './decoder.ts';
import { distinct, type Harvest } from './harvest.ts';
import { Rng } from './rng.ts';

/** Keeps the type of the value between `decode` and `again`. */
export const decoder = <T>(of: Decoder<T>): Decoder => of as Decoder;

const MALFORMED = ['malformed'] as const;

export function formatDecoders(harvests: readonly Harvest[]): Decoder[] {
  const rng = new Rng('samples');
  const all = (pick: (harvest: Harvest) => readonly (Uint8Array<ArrayBuffer> | undefined)[]) =>
    distinct(harvests.flatMap(pick).filter((bytes) => bytes !== undefined));
  const random = (...lengths: number[]) => lengths.map((length) => rng.bytes(length));
  const cbor = all((h) => [...h.entries, ...h.votes, ...h.certificates, ...h.headers, ...h.updates]);
  const pid = harvests[0]?.scene.pid ?? rng.bytes(32);
  const stores = [{ url: 'memory:one', id: rng.bytes(10) }];
  const [pid2, iid, ephemeralKey, commitment, secret] = random(32, 16, 32, 32, 32) as [
    never,
    never,
    never,
    never,
    never,
  ];
  const invitation = encodeInvitation({ pid: pid2, iid, ephemeralKey, commitment, secret, stores });
  const hello = { signKey: rng.bytes(32), receiveKey: rng.bytes(32), kind: 'device', name: 'phone' } as const;
  const place = { slot: 3, prev: rng.bytes(32) };
  const sealed = all((h) => [...h.bundles.map(({ claimed }) => claimed.mesh), ...h.wraps]);
  const header = { salt: rng.bytes(16), cost: { memoryKiB: 65_536, passes: 3, lanes: 4 }, sealed: sealed[0] as never };
  const texts = ['', 'a', 'Grüße 🛂', '\ufeff'].map(utf8);
  return [
    decoder({
      name: 'cbor/decode',
      samples: [...cbor, encode([0, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1, 'é', true, false, null, [[[]]]])],
      decode: (input) => decode(input),
      codes: MALFORMED,
      again: (value) => encode(value),
    }),
    decoder({
      name: 'bytes/fromUtf8',
      samples: texts,
      decode: fromUtf8,
      codes: MALFORMED,
      again: (value) => utf8(value),
    }),
    decoder({
      ...{ name: 'bytes/fromHex', text: true, samples: random(0, 1, 32).map((b) => utf8(hex(b))), codes: MALFORMED },
      decode: (input) => fromHex(textOf(input)),
      again: (value) => utf8(hex(value)),
    }),
    decoder({
      ...{ name: 'bytes/fromBase32', text: true, samples: random(0, 5, 10, 16).map((b) => utf8(base32(b))) },
      codes: MALFORMED,
      decode: (input) => fromBase32(textOf(input)),
      again: (value) => utf8(base32(value)),
    }),
    decoder({
      ...{ name: 'bytes/fromBase64url', text: true, samples: random(0, 1, 2, 3, 99).map((b) => utf8(base64url(b))) },
      codes: MALFORMED,
      decode: (input) => fromBase64url(textOf(input)),
      again: (value) => utf8(base64url(value)),
    }),
    decoder({
      ...{ name: 'bytes/bytesUint', samples: [...random(1, 4, 6), uintBytes(2 ** 53 - 1, 8)], codes: MALFORMED },
      decode: (input) => bytesUint(input),
      again: (value, input) => (input.length < 8 ? uintBytes(value, input.length) : undefined),
    }),
    decoder({
      ...{ name: 'format/entry.parseEntry', samples: all((h) => h.entries), codes: MALFORMED, decode: parseEntry },
      again: ({ core, dealerSignature, vaultSignature }) =>
        encodeEntry(encodeCore(core), dealerSignature, vaultSignature),
    }),
    decoder({
      ...{ name: 'format/entry.parseRequest', samples: all((h) => h.requests), codes: MALFORMED },
      ...{ decode: parseRequest, again: encodeRequest },
    }),
    decoder({
      ...{ name: 'format/entry.holderFromValue', samples: all((h) => h.holders), codes: MALFORMED },
      decode: (input) => holderFromValue(decode(input)),
      again: (value) => encode(holderValue(value)),
    }),
    decoder({
      ...{ name: 'format/votes.parseVote', samples: all((h) => h.votes), codes: MALFORMED },
      ...{ decode: parseVote, again: encodeVote },
    }),
    decoder({
      ...{ name: 'format/votes.parseCertificate', samples: all((h) => h.certificates), codes: MALFORMED },
      ...{ decode: parseCertificate, again: encodeCertificate },
    }),
    decoder({
      ...{ name: 'format/votes.parseDecided', samples: all((h) => h.decided), codes: MALFORMED, decode: parseDecided },
      again: ({ entry, certificate }) => encodeDecided(entry, certificate),
    }),
    decoder({
      ...{ name: 'format/votes.parseRegistryObject', samples: all((h) => h.registry), codes: MALFORMED },
      ...{ decode: parseRegistryObject, again: encodeRegistryObject },
    }),
    decoder({
      ...{ name: 'format/commit.parseHeader', samples: all((h) => h.headers), codes: MALFORMED },
      decode: (input) => parseHeader(pid, input),
      again: (value) => encodeCommit(value),
      // The chain of `prev` hangs on the pid, so only the samples of one scene are good here.
      ...{ samples: harvests[0]?.headers ?? [] },
    }),
    decoder({
      ...{ name: 'format/update.parseUpdate', samples: all((h) => h.updates), codes: MALFORMED },
      // encodeUpdate writes no key that is not in NFC; a foreign one is read.
      decode: parseUpdate,
      again: ({ key, op, type, value, reason }) => encode([key, op === 'put' ? 0 : 1, type, value, reason]),
    }),
    decoder({
      name: 'format/update.splitBlock',
      samples: all((h) => h.blocks.map(({ block }) => block)),
      ...{ codes: MALFORMED, decode: (input) => splitBlock(input, 4096), again: encodeBlock },
    }),
    decoder({
      name: 'format/bundle.splitBundle',
      samples: all((h) => h.bundles.map(({ bytes }) => bytes)),
      ...{ codes: [...MALFORMED, 'unsupported'], decode: splitBundle },
      again: ({ mesh, vault }) => concat(uintBytes(mesh.length, 4), mesh, vault),
    }),
    decoder({
      ...{ name: 'format/names.parseName', text: true, samples: all((h) => h.names.map(utf8)), codes: [] },
      decode: (input) => parseName(textOf(input)),
      again: (value) => value && utf8(formatName(value)),
    }),
    decoder({
      ...{ name: 'format/pairing.parseInvitation', samples: [invitation], codes: MALFORMED },
      ...{ decode: parseInvitation, again: encodeInvitation },
    }),
    decoder({
      ...{
        name: 'format/pairing.parseLink',
        text: true,
        samples: [utf8(invitationLink(invitation))],
        codes: ['usage'],
      },
      decode: (input) => parseLink(textOf(input)),
      again: ({ bytes }, input) =>
        textOf(input).trim() === invitationLink(bytes) ? undefined : utf8(invitationLink(bytes)),
    }),
    decoder({
      name: 'format/pairing.parseHello',
      samples: [encodeHello({ ...hello, platform: 'linux', nonce: rng.bytes(32), possession: rng.bytes(64) })],
      ...{ codes: MALFORMED, decode: parseHello, again: encodeHello },
    }),
    decoder({
      name: 'format/pairing.parseReveal',
      samples: [
        encodeReveal({
          ...{ nonce: rng.bytes(32), holder: rng.bytes(16), signKey: rng.bytes(32) },
          ...{ slot: 2, head: rng.bytes(32), signature: rng.bytes(64) },
        }),
      ],
      ...{ codes: MALFORMED, decode: parseReveal, again: encodeReveal },
    }),
    decoder({
      name: 'format/pairing.parsePairPlace',
      samples: all((h) => h.requests.map((request) => encodePairPlace({ ...place, request }))),
      ...{ codes: MALFORMED, decode: parsePairPlace, again: encodePairPlace },
    }),
    decoder({
      name: 'format/pairing.parsePairRole',
      samples: [encodePairRole({ ...place, signature: rng.bytes(64) })],
      ...{ codes: MALFORMED, decode: parsePairRole, again: encodePairRole },
    }),
    decoder({
      name: 'ceremonies/invite.readPairPlace',
      samples: [encodeRefusal('refused'), encodePairPlace({ ...place, request: rng.bytes(99) })],
      ...{ codes: MALFORMED, decode: readPairPlace },
      again: (value) => ('refused' in value ? encode(['refused', value.refused] as Value) : value.place),
    }),
    decoder({
      ...{ name: 'crypto/object.objectHeader', samples: sealed, codes: [...MALFORMED, 'unsupported'] },
      decode: objectHeader,
    }),
    decoder({
      ...{
        name: 'crypto/padding.unpad',
        samples: random(0, 1, 900, 1017, 70_000).map(pad),
        codes: ['decryption-failed'],
      },
      ...{ decode: unpad, again: pad },
    }),
    decoder({
      name: 'crypto/words.kitEntropy',
      ...{ text: true, samples: random(32, 32, 32).map((entropy) => utf8(kitWords(entropy).join(' '))) },
      codes: ['kit-invalid'],
      decode: (input) => kitEntropy(textOf(input)),
      // Typed words have many layouts; the words themselves are one.
      again: (value, input) => {
        const letters = (text: string) =>
          text
            .normalize('NFKD')
            .toLowerCase()
            .replaceAll(/[\d\s.,;:)]/g, '');
        return letters(textOf(input)) === letters(kitWords(value).join(''))
          ? undefined
          : utf8(kitWords(value).join(' '));
      },
    }),
    decoder({
      ...{ name: 'crypto/argon2.passphraseBytes', text: true, samples: [...texts.slice(1), utf8('x'.repeat(1024))] },
      ...{ codes: ['passphrase-invalid'], decode: (input) => passphraseBytes(textOf(input)) },
    }),
    decoder({
      name: 'crypto/sign.isSigningKey',
      samples: all((h) => [h.view.secrets.signKey]),
      ...{ codes: [], decode: isSigningKey },
    }),
    decoder({
      name: 'node/keystore-header.decodeHeader',
      samples: [
        encodeKeystore({ kind: 'file', ...header }),
        encodeKeystore({ kind: 'keychain', account: 'abc' }),
        encodeKeystore({ kind: 'plain', key: rng.bytes(32) }),
      ],
      ...{ codes: ['damaged', 'unsupported'], decode: decodeHeader },
    }),
  ];
}
