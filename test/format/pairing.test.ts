/** The messages of a pairing and the link: one encoding each, every field bounded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { base64url, type Bytes } from '../../src/bytes.ts';
import {
  encodeHello,
  encodeInvitation,
  encodePairPlace,
  encodePairRole,
  encodeReveal,
  type InvitationData,
  invitationLink,
  parseHello,
  parseInvitation,
  parseLink,
  parsePairPlace,
  parsePairRole,
  parseReveal,
} from '../../src/format/pairing.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';
import { shapeReport } from '../helpers/shapes.ts';

const random = seededRandom('pairing format');
const invitation: InvitationData = {
  ...{ pid: random(32), iid: random(16), ephemeralKey: random(32), commitment: random(32), secret: random(32) },
  stores: [
    { url: 'folder:/a b/ä', id: random(10) },
    { url: 'memory:two', id: random(10) },
  ],
};
const hello = {
  ...{ signKey: random(32), receiveKey: random(32), kind: 'device' as const, name: 'phone', platform: 'linux' },
  ...{ nonce: random(32), possession: random(64) },
};
const reveal = {
  nonce: random(32),
  holder: random(16),
  signKey: random(32),
  slot: 3,
  head: random(32),
  signature: random(64),
};
const place = { slot: 3, prev: random(32), request: random(200) };
const role = { slot: 3, prev: random(32), signature: random(64) };

describe('the messages', () => {
  const all: [string, Bytes, (bytes: Bytes) => unknown, (value: never) => Bytes, unknown][] = [
    ['invitation', encodeInvitation(invitation), parseInvitation, encodeInvitation, invitation],
    ['M1', encodeHello(hello), parseHello, encodeHello, hello],
    ['M2', encodeReveal(reveal), parseReveal, encodeReveal, reveal],
    ['M3', encodePairPlace(place), parsePairPlace, encodePairPlace, place],
    ['M4', encodePairRole(role), parsePairRole, encodePairRole, role],
  ];

  it.each(all)(
    '%s comes back as it was written, and is refused in every other shape',
    (_, bytes, parse, write, value) => {
      expect(parse(bytes)).toEqual(value);
      const report = shapeReport(bytes, parse, write as (value: unknown) => Bytes);
      expect(report.wrong).toEqual([]);
      expect(report.refused).toBeGreaterThan(5);
    },
  );

  it('an invitation names 1 to 16 stores', () => {
    const of = (count: number) =>
      codeOf(() =>
        parseInvitation(
          encodeInvitation({ ...invitation, stores: Array.from({ length: count }, () => invitation.stores[0]!) }),
        ),
      );
    expect([of(0), of(1), of(16), of(17)]).toEqual(['malformed', 'no error', 'no error', 'malformed']);
  });
});

describe('a link', () => {
  it('holds the whole invitation in its fragment', () => {
    const bytes = encodeInvitation(invitation);
    const link = invitationLink(bytes);
    expect(link).toBe(`passport:join#${base64url(bytes)}`);
    expect(parseLink(`  ${link}\n`)).toEqual({ bytes, data: invitation });
  });

  it('is usage when it is anything else', () => {
    const link = invitationLink(encodeInvitation(invitation));
    for (const bad of [
      '',
      'passport:join#',
      link.slice(0, -1),
      `${link}A`,
      link.replace('passport:', 'http:'),
      link.toUpperCase(),
    ]) {
      expect(
        codeOf(() => parseLink(bad)),
        bad,
      ).toBe('usage');
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(codeOf(() => parseLink(text))).toBe('usage');
        expect(codeOf(() => parseLink(`passport:join#${text}`))).toBe('usage');
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
