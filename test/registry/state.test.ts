/** The registry as a value: what each entry makes of the one before. */
import { describe, expect, it } from 'vitest';

import { equal, hex } from '../../src/bytes.ts';
import type { VotePromise } from '../../src/format/entry.ts';
import {
  cutOf,
  head,
  headSlot,
  holderOf,
  holdersAfter,
  holdersHash,
  holdersOf,
  isSafePolicy,
  memberOf,
} from '../../src/registry/state.ts';
import { Registry } from '../helpers/registry.ts';

describe('a policy is safe', () => {
  it.each([
    [2, 2],
    [2, 3],
    [3, 4],
    [3, 5],
    [4, 7],
    [17, 32],
    [32, 32],
  ])('%i of %i', (threshold, count) => {
    expect(isSafePolicy(threshold, count)).toBe(true);
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 4],
    [3, 6],
    [16, 32],
    [17, 33],
    [0, 0],
    [3, 2],
    [2.5, 3],
    [2, 3.5],
    [NaN, 3],
    [2, NaN],
    [-1, 3],
    [2 ** 53, 3],
  ])('not %d of %d', (threshold, count) => {
    expect(isSafePolicy(threshold, count)).toBe(false);
  });
});

describe('a state', () => {
  it('begins with its founders', async () => {
    const { state, pid, founding } = await Registry.found('state begins');
    expect(headSlot(state)).toBe(0);
    expect(head(state)).toEqual({ id: founding.entry.id, time: 1_000, epoch: 0 });
    expect(state).toMatchObject({ pid, threshold: 2, epoch: 0, unlockDevices: [] });
    expect(holdersOf(state).map(({ seat, kind, entered, left }) => [seat, kind, entered, left])).toEqual([
      [1, 'device', 0, null],
      [2, 'device', 0, null],
      [3, 'kit', 0, null],
    ]);
    expect(state.usedKeys.size).toBe(6);
    expect(state.epochs).toHaveLength(1);
  });

  it('follows who comes and goes: seats and keys are remembered, a leaving device has its cut', async () => {
    const registry = await Registry.found('state follows');
    const before = registry.state;
    const fresh = registry.fresh('tablet');
    const phone = registry.actor(1);
    const known = registry.headOf(phone);
    const heads = [{ header: known.header, signature: known.signature }];
    const made = await registry.next(
      { enters: [fresh.holder], leaves: [phone.holder.id] },
      { entering: [fresh], voters: [registry.actor(0), registry.actor(2)], heads: ({ id }) => ({ device: id, heads }) },
    );
    registry.decide(made, [fresh]);
    const { state } = registry;
    expect(headSlot(state)).toBe(1);
    expect(state.epoch).toBe(1);
    expect(holdersOf(state).map(({ name }) => name)).toEqual(['device-1', 'kit-3', 'tablet']);
    expect(holderOf(state, phone.holder.id)).toBeUndefined();
    expect(memberOf(state, phone.holder.id)).toMatchObject({ left: 1, cut: [known.id] });
    expect(memberOf(state, fresh.holder.id)).toMatchObject({
      entered: 1,
      left: null,
      cut: [],
      firstKey: fresh.holder.receiveKey,
    });
    // The staying device has the key of its promise, the kit the one it always had.
    const [laptop, kit] = holdersOf(state);
    expect(equal(laptop!.receiveKey, registry.actor(0).holder.receiveKey)).toBe(false);
    expect(laptop!.firstKey).toEqual(registry.actor(0).holder.receiveKey);
    expect(kit!.receiveKey).toEqual(registry.actor(2).holder.receiveKey);
    for (const key of before.usedKeys) expect(state.usedKeys.has(key)).toBe(true);
    expect(state.usedKeys.has(hex(fresh.holder.signKey))).toBe(true);
    // The state before is untouched.
    expect(holdersOf(before)).toHaveLength(3);
    expect(headSlot(before)).toBe(0);
  });

  it('remembers when somebody left, and that a kit has no cut, through later entries', async () => {
    const registry = await Registry.found('state left');
    const [phone, kit] = [registry.actor(1), registry.actor(2)];
    const fresh = registry.fresh('tablet');
    registry.decide(await registry.next({ enters: [fresh.holder], leaves: [kit.holder.id] }, { entering: [fresh] }), [
      fresh,
    ]);
    const first = memberOf(registry.state, kit.holder.id)!;
    expect(first).toMatchObject({ left: 1, cut: [] });
    registry.decide(await registry.next({ kind: 'policy', names: [{ id: phone.holder.id, name: 'pocket' }] }));
    registry.decide(await registry.next({ kind: 'rotate' }));
    expect(memberOf(registry.state, kit.holder.id)).toEqual(first);
  });

  it('keeps its epoch and its keys under a policy', async () => {
    const registry = await Registry.found('state policy');
    const phone = registry.actor(1).holder;
    const made = await registry.next({
      kind: 'policy',
      names: [{ id: phone.id, name: 'pocket' }],
      unlockDevices: [phone.id],
    });
    registry.decide(made);
    expect(registry.state).toMatchObject({ epoch: 0, unlockDevices: [phone.id] });
    expect(registry.state.epochs).toHaveLength(1);
    expect(holderOf(registry.state, phone.id)).toMatchObject({ name: 'pocket', receiveKey: phone.receiveKey });
  });

  it('takes the session policy from who leaves', async () => {
    const registry = await Registry.found('state unlock');
    const phone = registry.actor(1).holder;
    registry.decide(await registry.next({ kind: 'policy', unlockDevices: [phone.id] }));
    registry.decide(await registry.next({ leaves: [phone.id] }, { voters: [registry.actor(0), registry.actor(2)] }));
    expect(registry.state.unlockDevices).toEqual([]);
  });
});

describe('the holders after', () => {
  it('stand by seat, in whatever order a request names who comes in', async () => {
    const registry = await Registry.found('holders by seat');
    const [four, five] = [registry.fresh('four', 'device', 4).holder, registry.fresh('five', 'device', 5).holder];
    const request = registry.request({ threshold: 3, enters: [five, four] });
    expect(holdersAfter(registry.state, request).map(({ seat }) => seat)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a cut', () => {
  it('counts heads that a staying holder states of this device, that are by this device, each once', async () => {
    const registry = await Registry.found('cut');
    const [laptop, phone, third] = [registry.actor(0), registry.actor(1), registry.actor(2)];
    const { header, signature, id } = registry.headOf(phone);
    const stated = (device = phone, by = laptop): VotePromise => ({
      ...{ holder: by.holder.id, ballot: { round: 1, initiator: laptop.holder.id }, last: null, nextKey: null },
      heads: [{ device: device.holder.id, heads: [{ header, signature }] }],
      signature: new Uint8Array(64),
    });
    const leaves = [phone.holder.id, third.holder.id];
    const cut = (...promises: VotePromise[]) => cutOf(registry.pid, phone.holder.id, leaves, promises);
    expect(cut(stated())).toEqual([id]);
    expect(cut(stated(), stated())).toEqual([id]);
    // By who leaves, also when others leave with it.
    for (const leaving of [phone, third]) expect(cut(stated(phone, leaving))).toEqual([]);
    // Of another device, or of this one by another: neither is a commit that this device made.
    expect(cut(stated(third))).toEqual([]);
    expect(cutOf(registry.pid, third.holder.id, leaves, [stated(third)])).toEqual([]);
  });
});

describe('the hash of holders after', () => {
  it('says who they are, with the receive keys of those who come in only', async () => {
    const registry = await Registry.found('holders hash');
    const fresh = registry.fresh();
    const request = registry.request({ enters: [fresh.holder], leaves: [registry.actor(2).holder.id] });
    const after = holdersAfter(registry.state, request);
    const hash = (holders = after, enters = request.enters) => hex(holdersHash(registry.pid, holders, enters));
    const change = (i: number, part: object) => after.map((holder, at) => (at === i ? { ...holder, ...part } : holder));
    const other = registry.fresh('other').holder;
    expect(hash(change(0, { receiveKey: other.receiveKey }))).toBe(hash());
    expect(hash(change(2, { receiveKey: other.receiveKey }))).not.toBe(hash());
    for (const part of [{ seat: 9 }, { id: other.id }, { kind: 'kit' }, { name: 'x' }, { signKey: other.signKey }]) {
      expect(hash(change(0, part))).not.toBe(hash());
    }
    expect(hash([...after].reverse())).not.toBe(hash());
  });
});
