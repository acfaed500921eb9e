/** Entries and requests: one encoding each, every field bounded, ids over all of the bytes. */
import { beforeAll, describe, expect, it } from 'vitest';

import { type Bytes, copy, hex } from '../../src/bytes.ts';
import { decode, encode } from '../../src/cbor.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hash } from '../../src/crypto/statements.ts';
import {
  type ChangeRequest,
  encodeCore,
  encodeEntry,
  encodeRequest,
  type Entry,
  holderFromValue,
  holderValue,
  matchNumber,
  parseEntry,
  parseRequest,
  requestHash,
} from '../../src/format/entry.ts';
import { codeOf } from '../helpers/codes.ts';
import { Registry } from '../helpers/registry.ts';
import { shapeReport } from '../helpers/shapes.ts';

let registry: Registry;
let entries: Entry[];
let request: ChangeRequest;

beforeAll(async () => {
  registry = await Registry.found('entry format');
  const fresh = registry.fresh();
  const phone = registry.actor(1).holder;
  const { header, signature } = registry.headOf(registry.actor(1));
  const made = await registry.next(
    { enters: [fresh.holder], leaves: [phone.id] },
    {
      ...{ entering: [fresh], voters: [registry.actor(0), registry.actor(2)] },
      heads: ({ id }) => ({ device: id, heads: [{ header, signature }] }),
    },
  );
  const policy = await registry.next({
    kind: 'policy',
    names: [{ id: phone.id, name: 'ä' }],
    unlockDevices: [phone.id],
  });
  entries = [registry.founding.entry, made.entry, policy.entry];
  request = parseRequest(policy.entry.core.request);
});

const rewrite = ({ core, dealerSignature, vaultSignature }: Entry) =>
  encodeEntry(encodeCore(core), dealerSignature, vaultSignature);

describe('an entry', () => {
  it('comes back as it was written, with its id over every byte', () => {
    for (const entry of entries) {
      const again = parseEntry(entry.bytes);
      expect(again).toEqual(entry);
      expect(rewrite(again)).toEqual(entry.bytes);
      expect(entry.id).toEqual(hash(registry.pid, 'entry', sha256(entry.bytes)));
      expect(entry.coreHash).toEqual(sha256(encodeCore(entry.core)));
    }
  });

  it('is [core, dealer’s signature, vault signature], the core an array of fourteen fields', () => {
    const [core, dealer, vault] = decode(entries[1]!.bytes) as Bytes[];
    expect([dealer!.length, vault!.length]).toEqual([64, 64]);
    const fields = decode(core!) as unknown[];
    expect(fields).toHaveLength(14);
    const { core: c } = entries[1]!;
    expect(fields.slice(0, 5)).toEqual([c.pid, 1, c.prev, [1, c.birth.initiator], c.request]);
    expect(fields.slice(8)).toMatchObject([2_000, c.holders.map(holderValue), 2, 1, expect.any(Array), []]);
  });

  it('has another id with any other byte', () => {
    const entry = entries[2]!;
    const ids = new Set([hex(entry.id)]);
    for (let i = 0; i < entry.bytes.length; i += 97) {
      const bytes = copy(entry.bytes);
      bytes[i] = bytes[i]! ^ 1;
      try {
        ids.add(hex(parseEntry(bytes).id));
      } catch {
        ids.add(`refused ${i}`);
      }
    }
    expect(ids.size).toBe(1 + Math.ceil(entry.bytes.length / 97));
  });

  it('refuses every other shape, or gives back exactly what it read', () => {
    for (const entry of entries) {
      const [core] = decode(entry.bytes) as [Bytes];
      const parse = (bytes: Bytes) => parseEntry(encodeEntry(bytes, entry.dealerSignature, entry.vaultSignature));
      const report = shapeReport(core, parse, (parsed) => encodeCore(parsed.core));
      expect(report.wrong).toEqual([]);
      expect(report.refused).toBeGreaterThan(report.accepted * 2);
      const outer = shapeReport(entry.bytes, parseEntry, rewrite);
      expect(outer.wrong).toEqual([]);
    }
  });

  it('is bounded: holders, counters, bytes', () => {
    const { core, dealerSignature, vaultSignature } = entries[0]!;
    const bad = (change: object) =>
      codeOf(() => parseEntry(encodeEntry(encodeCore({ ...core, ...change }), dealerSignature, vaultSignature)));
    expect(bad({})).toBe('no error');
    expect(bad({ holders: core.holders.slice(0, 1) })).toBe('malformed');
    expect(bad({ holders: Array.from({ length: 33 }, () => core.holders[0]!) })).toBe('malformed');
    expect(bad({ slot: 2 ** 32 })).toBe('malformed');
    expect(bad({ epoch: 2 ** 32 })).toBe('malformed');
    expect(bad({ birth: { round: 2 ** 32, initiator: core.birth.initiator } })).toBe('malformed');
    expect(bad({ threshold: 1 })).toBe('malformed');
    expect(bad({ threshold: 33 })).toBe('malformed');
    expect(bad({ request: new Uint8Array(17 * 1024) })).toBe('malformed');
    const salted = (length: number) => bad({ epochPart: { ...core.epochPart!, salt: new Uint8Array(length) } });
    expect([15, 16, 64, 65].map(salted)).toEqual(['malformed', 'no error', 'no error', 'malformed']);
    const linked = (length: number) => bad({ epochPart: { ...core.epochPart!, kekLink: new Uint8Array(length) } });
    expect([0, 1, 4096, 4097].map(linked)).toEqual(['malformed', 'no error', 'no error', 'malformed']);
    expect(codeOf(() => parseEntry(encodeEntry(new Uint8Array(257 * 1024), dealerSignature, vaultSignature)))).toBe(
      'malformed',
    );
    expect(codeOf(() => parseEntry(new Uint8Array(0)))).toBe('malformed');
  });
});

describe('a request', () => {
  it('comes back as it was written; its hash and its number name no ballot', () => {
    const bytes = encodeRequest(request);
    expect(parseRequest(bytes)).toEqual(request);
    expect(requestHash(registry.pid, bytes)).toEqual(hash(registry.pid, 'request', sha256(bytes)));
    const bits = hash(registry.pid, 'match', requestHash(registry.pid, bytes));
    expect(matchNumber(registry.pid, requestHash(registry.pid, bytes))).toBe(((bits[0]! * 256 + bits[1]!) % 90) + 10);
  });

  it('refuses every other shape, or gives back exactly what it read', () => {
    for (const entry of entries.slice(1)) {
      const report = shapeReport(entry.core.request, parseRequest, encodeRequest);
      expect(report.wrong).toEqual([]);
      expect(report.refused).toBeGreaterThan(20);
    }
  });

  it('knows its kinds, and founding is none of them', () => {
    for (const kind of ['holders', 'passphrase', 'rotate', 'policy'] as const) {
      expect(codeOf(() => parseRequest(encodeRequest({ ...request, kind })))).toBe('no error');
    }
    expect(codeOf(() => parseRequest(encodeRequest({ ...request, kind: 'found' })))).toBe('malformed');
    expect(codeOf(() => parseRequest(encodeRequest({ ...request, kind: 'x' as never })))).toBe('malformed');
  });
});

describe('a holder', () => {
  it('has a kind of 0 or 1, a seat from 1 and a name of 1 to 256 characters', () => {
    const { holder } = registry.actor(0);
    const of = (change: object) => codeOf(() => holderFromValue(decode(encode(holderValue({ ...holder, ...change })))));
    expect(of({})).toBe('no error');
    expect(of({ seat: 0 })).toBe('malformed');
    expect(of({ name: '' })).toBe('malformed');
    expect(of({ name: 'x'.repeat(256) })).toBe('no error');
    expect(of({ name: 'x'.repeat(257) })).toBe('malformed');
    expect(codeOf(() => holderFromValue([1, holder.id, 2, 'x', holder.signKey, holder.receiveKey]))).toBe('malformed');
  });
});
