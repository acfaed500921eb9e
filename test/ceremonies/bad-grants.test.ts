/**
 * A dealer that gives one holder a wrong grant: the holder does not accept the entry. When others decide it all the same, their
 * log names the dealer, and the holder goes on with the next epoch.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { type Bytes, hex } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { sealGrant } from '../../src/format/grant.ts';
import type { DealtEpoch, DealTerms } from '../../src/registry/deal.ts';
import { audit } from '../helpers/audit.ts';
import { Forger } from '../helpers/hostile.ts';
import { type Member, PASSPHRASE, text, threeDevices } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

/** What the dealer makes of an honest epoch; undefined: it is honest. */
let cheat: ((dealt: DealtEpoch, terms: DealTerms) => Promise<DealtEpoch>) | undefined;

vi.mock(import('../../src/registry/deal.ts'), async (original) => {
  const deal = await original();
  return {
    ...deal,
    dealEpoch: async (terms, random) => {
      const dealt = await deal.dealEpoch(terms, random);
      return cheat === undefined ? dealt : cheat(dealt, terms);
    },
  };
});

beforeEach(() => {
  cheat = undefined;
});

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const random = seededRandom('bad grants');

/** The tablet's grant as `make` makes it from its share; its hash goes into the entry unless `hidden`. */
const forTablet =
  (make: (share: Bytes) => Bytes, hidden = false) =>
  async (dealt: DealtEpoch, terms: DealTerms): Promise<DealtEpoch> => {
    const i = terms.holders.findIndex(({ name }) => name === 'tablet');
    const holder = terms.holders[i]!;
    const { pid, slot, prev, epoch, threshold, dealer, nameRoot } = terms;
    const device = { meshKey: dealt.meshKey, nameRoot };
    const common = { pid, slot, prev, epoch, threshold, count: terms.holders.length, dealer, device };
    const share = make(dealt.shares[i]!);
    const bytes = await sealGrant(
      holder.receiveKey,
      { ...common, holder: holder.id, seat: holder.seat, share },
      random,
    );
    const shares = dealt.part.shares.map((each, at) =>
      at === i && !hidden ? { ...each, grantHash: sha256(bytes) } : each,
    );
    const grants = dealt.grants.map((grant, at) => (at === i ? { ...grant, bytes } : grant));
    return { ...dealt, grants, part: { ...dealt.part, shares } };
  };

const wrong: [string, ReturnType<typeof forTablet>][] = [
  [
    'whose share is not the one that the entry commits to',
    forTablet((share) => share.map((byte, i) => (i < 32 ? byte ^ 1 : byte))),
  ],
  ['whose hash is not the one in the entry', forTablet((share) => share, true)],
];

describe.each(wrong)('a grant %s', (name, lie) => {
  /** Who accepted an entry in the open slot, as the store says. */
  async function accepted(forger: Forger): Promise<string[]> {
    const said = (await forger.votes()).flatMap(({ message }) =>
      message.type === 'accept' ? [message.accept.holder] : [],
    );
    const names = await forger.view(
      async ({ state }) => new Map(state.members.map((each) => [hex(each.id), each.name])),
    );
    return said.map((id) => names.get(hex(id))!).sort();
  }

  /** The laptop proposes, with this lie or none, and the tablet has seen it. */
  async function proposed(made: typeof cheat | 'honest' = lie) {
    const mesh = await threeDevices(`bad grant ${name}`);
    const { world, laptop, phone, tablet } = mesh;
    const forger = await Forger.of(world, phone);
    cheat = made === 'honest' ? undefined : made;
    const change = await laptop.passport.reshare({ ...left, threshold: 2 });
    expect(await world.approveAll(tablet)).toBe(1);
    await laptop.passport.finish(change.id, left);
    cheat = undefined;
    await tablet.passport.sync();
    return { ...mesh, forger, change };
  }

  it('gets no accept from its holder, so that the entry is not decided by it', async () => {
    const { laptop, forger, change } = await proposed();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'waiting' });
    expect(await accepted(forger)).toEqual(['laptop']);

    const { laptop: honest, change: fair } = await proposed('honest');
    expect(await honest.passport.finish(fair.id, left)).toMatchObject({ state: 'decided' });
  });

  it('costs nobody else anything: those whose grants are good decide, and their log names the dealer', async () => {
    const { world, laptop, phone, tablet, change } = await proposed();
    await phone.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 3 });
    expect((await phone.passport.log()).at(-1)).toMatchObject({ slot: 3, by: 'laptop' });

    // The holder stays where it is, and comes along with the next epoch, which somebody else deals.
    expect((await tablet.passport.sync()).notices.join()).toMatch('Entry 3 is decided, but this device’s part');
    expect(await tablet.passport.status()).toMatchObject({ slot: 2 });
    for (const { clock } of world.homes) clock.pass(35_000);
    const next = await phone.passport.reshare({ ...left, threshold: 2 });
    expect(await world.settle(phone, next, [laptop])).toMatchObject({ state: 'decided', slot: 4 });
    await tablet.passport.sync();
    expect(await tablet.passport.status()).toMatchObject({ slot: 4 });
    expect((await tablet.passport.log()).map(({ by }) => by).slice(-2)).toEqual(['laptop', 'phone']);
    await world.unlock(tablet, phone);
    expect(await written(tablet)).toBe('written before');
    expect(await audit(world, tablet.home)).toMatchObject({ faults: [] });
  });

  const written = (member: Member) => text(member, 'old');
});
