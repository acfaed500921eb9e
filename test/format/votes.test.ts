/** The messages of a vote, certificates and registry objects: one encoding each, every field bounded. */
import { beforeAll, describe, expect, it } from 'vitest';

import { type Bytes, concat, uintBytes } from '../../src/bytes.ts';
import { decode } from '../../src/cbor.ts';
import {
  type Certificate,
  encodeCertificate,
  encodeDecided,
  encodeRegistryObject,
  encodeVote,
  parseCertificate,
  parseDecided,
  parseRegistryObject,
  parseVote,
  type VoteMessage,
} from '../../src/format/votes.ts';
import { placeAfter, signProposal } from '../../src/registry/messages.ts';
import { codeOf } from '../helpers/codes.ts';
import { Registry, voter } from '../helpers/registry.ts';
import { shapeReport } from '../helpers/shapes.ts';

let messages: VoteMessage[];
let certificate: Certificate;

beforeAll(async () => {
  const registry = await Registry.found('votes format');
  const { pid, random } = registry;
  const { entry, certificate: made, dealt } = await registry.next({ kind: 'rotate' });
  const place = placeAfter(registry.state);
  const ballot = entry.core.birth;
  const me = voter(registry.actor(0));
  const proposal = {
    ballot,
    entry: entry.id,
    promises: entry.core.promises,
    signature: signProposal(pid, me, place, ballot, entry.id),
  };
  const evidence = { entries: [{ entry: entry.bytes, wrap: dealt!.wrap, link: dealt!.link }], proposals: [proposal] };
  const request = entry.core.request;
  const [signature, holder, requestHash] = [random(64), me.id, random(32)];
  const reporting = { ...entry.core.promises[0]!, last: { ballot, entry: entry.id } };
  messages = [
    { type: 'request', ...place, ballot, request, voucher: null, signature },
    { type: 'request', ...place, ballot, request, voucher: { holder, signature }, signature },
    { type: 'promise', ...place, promise: entry.core.promises[0]!, evidence: { entries: [], proposals: [] } },
    { type: 'promise', ...place, promise: reporting, evidence },
    { type: 'approve', ...place, holder, requestHash, signature, share: random(81), shareSignature: random(64) },
    { type: 'propose', ...place, ballot, entry: entry.id, evidence },
    { type: 'accept', ...place, accept: made.accepts[0]! },
    { type: 'refuse', ...place, holder, requestHash, signature },
    { type: 'cancel', ...place, requestHash, signature },
  ];
  certificate = { ...made, proposals: [proposal] };
});

describe('a vote message', () => {
  it('comes back as it was written, beginning with its type, slot and prev', () => {
    for (const message of messages) {
      const bytes = encodeVote(message);
      expect(parseVote(bytes)).toEqual(message);
      expect((decode(bytes) as unknown[]).slice(0, 3)).toEqual([message.type, message.slot, message.prev]);
    }
  });

  it('refuses every other shape, or gives back exactly what it read', () => {
    for (const message of messages) {
      const report = shapeReport(encodeVote(message), parseVote, encodeVote);
      expect(report.wrong, message.type).toEqual([]);
      expect(report.refused, message.type).toBeGreaterThan(20);
    }
  });

  it('of another type, or none, is malformed', () => {
    const [first] = messages;
    expect(codeOf(() => parseVote(encodeVote({ ...first!, type: 'vote' as never })))).not.toBe('no error');
    for (const bytes of [new Uint8Array(0), new Uint8Array([0x80]), new Uint8Array([0xa0]), new Uint8Array(64)]) {
      expect(codeOf(() => parseVote(bytes))).toBe('malformed');
    }
  });

  it('has a sealed share of one length only: enc, 33 bytes, tag', () => {
    const approve = messages.find(({ type }) => type === 'approve') as Extract<VoteMessage, { type: 'approve' }>;
    for (const length of [0, 80, 82]) {
      expect(codeOf(() => parseVote(encodeVote({ ...approve, share: new Uint8Array(length) })))).toBe('malformed');
    }
  });
});

describe('a certificate', () => {
  it('comes back as it was written, and is refused in every other shape', () => {
    expect(parseCertificate(encodeCertificate(certificate))).toEqual(certificate);
    const report = shapeReport(encodeCertificate(certificate), parseCertificate, encodeCertificate);
    expect(report.wrong).toEqual([]);
  });

  it('has 1 to 32 accepts', () => {
    expect(codeOf(() => parseCertificate(encodeCertificate({ ...certificate, accepts: [] })))).toBe('malformed');
    const many = Array.from({ length: 33 }, () => certificate.accepts[0]!);
    expect(codeOf(() => parseCertificate(encodeCertificate({ ...certificate, accepts: many })))).toBe('malformed');
  });
});

describe('a registry object', () => {
  const parts = { wrap: Uint8Array.of(1, 2), link: new Uint8Array(0), sealed: Uint8Array.of(3) };

  it('is two lengths with their parts, and the rest', () => {
    const bytes = encodeRegistryObject(parts);
    expect(bytes).toEqual(concat(uintBytes(2, 4), parts.wrap, uintBytes(0, 4), parts.sealed));
    expect(parseRegistryObject(bytes)).toEqual(parts);
  });

  it('may have parts of no bytes, and has 256 KiB at most', () => {
    const none = new Uint8Array(0);
    expect(parseRegistryObject(new Uint8Array(8))).toEqual({ wrap: none, link: none, sealed: none });
    expect(parseRegistryObject(new Uint8Array(256 * 1024)).sealed).toHaveLength(256 * 1024 - 8);
    expect(parseRegistryObject(concat(uintBytes(0, 4), uintBytes(2, 4), Uint8Array.of(7, 8)))).toEqual({
      ...{ wrap: none, link: Uint8Array.of(7, 8), sealed: none },
    });
  });

  it.each<[string, () => Bytes]>([
    ['empty', () => new Uint8Array(0)],
    ['cut in the first length', () => new Uint8Array(3)],
    ['shorter than its wrap', () => concat(uintBytes(9, 4), new Uint8Array(8))],
    ['shorter than its link', () => concat(uintBytes(0, 4), uintBytes(9, 4), new Uint8Array(8))],
    ['with a length of 4 GiB', () => concat(uintBytes(0xffff_ffff, 4), new Uint8Array(64))],
    ['larger than 256 KiB', () => new Uint8Array(256 * 1024 + 1)],
  ])('is malformed when it is %s', (_, bytes) => {
    expect(codeOf(() => parseRegistryObject(bytes()))).toBe('malformed');
  });

  it('holds an entry and its certificate', () => {
    const bytes = encodeDecided(parts.wrap, parts.sealed);
    expect(parseDecided(bytes)).toEqual({ entry: parts.wrap, certificate: parts.sealed });
    expect(shapeReport(bytes, parseDecided, ({ entry, certificate: c }) => encodeDecided(entry, c)).wrong).toEqual([]);
  });
});
