/** How much of a slot's vote is kept: bounded for each holder and for all strangers together, whatever a store holds. */
import { describe, expect, it } from 'vitest';

import { type Bytes, hex } from '../../src/bytes.ts';
import { readSlot, votesOf } from '../../src/ceremonies/slot.ts';
import { hpkeSeal } from '../../src/crypto/hpke.ts';
import { info } from '../../src/crypto/statements.ts';
import { type Ballot, encodeRequest, type VotePromise } from '../../src/format/entry.ts';
import {
  placeAfter,
  signApproval,
  signPromise,
  signProposal,
  signRefusal,
  signShare,
} from '../../src/registry/messages.ts';
import { Forger, inside } from '../helpers/hostile.ts';
import { type Member, PASSPHRASE, threeDevices } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const STRANGER = '00'.repeat(16);

/** How many vote objects a device keeps of each author; strangers are one. */
async function kept(member: Member): Promise<Record<string, number>> {
  const votes = await (await inside(member.home)).transact(({ tx }) => votesOf(tx));
  const counts: Record<string, number> = {};
  for (const { holder } of votes) counts[hex(holder)] = (counts[hex(holder)] ?? 0) + 1;
  return counts;
}

async function stolen(label: string) {
  const mesh = await threeDevices(`vote bounds ${label}`);
  const forger = await Forger.of(mesh.world, mesh.phone);
  const { place } = await forger.look();
  const { pid } = forger.device;
  const random = (length: number) => forger.device.bytes(length);
  const refuse = (requestHash = random(32)) =>
    forger.say({
      ...{ type: 'refuse', ...place, holder: forger.voter.id, requestHash },
      signature: signRefusal(pid, forger.voter, 'refuse', place, requestHash),
    });
  const ballot = { round: 1, initiator: forger.voter.id };
  const entry = random(32);
  /** A proposal of this entry in this ballot, signed, in a message that may name something else. */
  const propose = (named: { ballot?: Ballot; entry?: Bytes }, promises: readonly VotePromise[] = []) => {
    const signature = signProposal(pid, forger.voter, place, ballot, entry);
    const evidence = { entries: [], proposals: [{ ballot, entry, promises, signature }] };
    return forger.say({ type: 'propose', ...place, ballot, entry, ...named, evidence });
  };
  return { ...mesh, forger, place, random, refuse, ballot, propose, me: hex(forger.voter.id) };
}

describe('of the vote in one slot', () => {
  it('128 statements of one holder are kept, also when they come a few at a time', async () => {
    const { tablet, refuse, me } = await stolen('few at a time');
    for (const batch of [100, 28]) {
      for (let i = 0; i < batch; i++) await refuse();
      await tablet.passport.sync();
    }
    expect(await kept(tablet)).toEqual({ [me]: 128 });
    for (let i = 0; i < 20; i++) await refuse();
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 128 });
  });

  it('a message that is sealed again is the same message: it is kept once and uses up nothing', async () => {
    const { tablet, random, refuse, me } = await stolen('sealed again');
    const same = random(32);
    for (let i = 0; i < 3; i++) await refuse(same);
    await tablet.passport.sync();
    for (let i = 0; i < 127; i++) await refuse(same);
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 1 });
    for (let i = 0; i < 127; i++) await refuse();
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 128 });
    await refuse();
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 128 });
  });

  it('a statement that comes with something else is kept beside the first: any copy may be the good one', async () => {
    const { tablet, forger, place, propose, ballot, me } = await stolen('another copy');
    const { pid } = forger.device;
    const promise = signPromise(pid, forger.voter, place, { ballot, last: null, nextKey: null, heads: [] });
    await propose({}, []);
    await propose({}, [promise]);
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 2 });
  });

  it('a proposal is kept in a message that names it, and in no message that names another ballot or entry', async () => {
    const { tablet, propose, ballot, random, me } = await stolen('another proposal');
    await propose({ entry: random(32) });
    await propose({ ballot: { ...ballot, round: 2 } });
    await propose({ ballot: { ...ballot, initiator: random(16) } });
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({});
    await propose({});
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 1 });
  });

  it('128 statements of all who are no holders are kept, in whatever name they come', async () => {
    const { laptop, tablet, forger, place, random, world } = await stolen('strangers');
    const change = await laptop.passport.rename('tablet', 'slate', left);
    const { request } = await forger.request();
    for (let i = 0; i < 140; i++) {
      const id = random(16);
      const asked = { ...request, rid: random(16), initiator: { id, signKey: random(32) } };
      await forger.say({
        ...{ type: 'request', ...place, ballot: { round: 1, initiator: id }, request: encodeRequest(asked) },
        ...{ voucher: null, signature: random(64) },
      });
    }
    await tablet.passport.sync();
    expect(await kept(tablet)).toMatchObject({ [STRANGER]: 128 });
    // The holders' own vote goes on.
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided', slot: 3 });
  });

  it('what names a holder that did not sign it is not kept, nor what is about another entry before', async () => {
    const { tablet, forger, place, random, me } = await stolen('unsigned');
    const { pid } = forger.device;
    const [laptop, requestHash] = [await forger.holder('laptop'), random(32)];
    const signature = signRefusal(pid, forger.voter, 'refuse', place, requestHash);
    await forger.say({ type: 'refuse', ...place, holder: laptop.id, requestHash, signature });
    const elsewhere = { ...place, prev: random(32) };
    const moved = signRefusal(pid, forger.voter, 'refuse', elsewhere, requestHash);
    await forger.say({ type: 'refuse', ...elsewhere, holder: forger.voter.id, requestHash, signature: moved });
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({});
    await forger.say({ type: 'refuse', ...place, holder: forger.voter.id, requestHash, signature });
    await tablet.passport.sync();
    expect(await kept(tablet)).toEqual({ [me]: 1 });
  });

  it('8 shares by one holder for one request are tried', async () => {
    const { laptop, forger, place, random } = await stolen('shares');
    await laptop.passport.revoke('tablet', { ...left, kit: false });
    const asked = await forger.request();
    const { device, voter } = forger;
    const state = await forger.view(async (view) => view.state);
    expect(placeAfter(state)).toEqual(place);
    for (let i = 0; i < 10; i++) {
      const at = info(device.pid, 'change-share', state.epoch, asked.hash, voter.id);
      const share = await hpkeSeal(asked.request.oneTimeKey, { info: at }, random(33), device.random);
      await forger.say({
        ...{ type: 'approve', ...place, holder: voter.id, requestHash: asked.hash, share },
        signature: signApproval(state, voter, asked.request, asked.hash),
        shareSignature: signShare(device.pid, voter, place, asked.hash, share),
      });
    }
    await laptop.passport.sync();
    const seen = await inside(laptop.home);
    const { requests } = await seen.asMember((view) => readSlot(seen, view, new Set()));
    expect(requests[0]!.approvals.find(({ holder }) => hex(holder) === hex(voter.id))!.shares).toHaveLength(8);
  });
});
