/** A state goes into a cell and comes back the same. */
import { describe, expect, it } from 'vitest';

import { decode, encode } from '../../src/cbor.ts';
import { stateFromValue, stateValue } from '../../src/registry/persist.ts';
import { Registry } from '../helpers/registry.ts';

describe('a registry state', () => {
  it('comes back as it was, after every kind of entry', async () => {
    const registry = await Registry.found('persist');
    const check = () => {
      const back = stateFromValue(decode(encode(stateValue(registry.state))));
      expect(back).toEqual(registry.state);
      expect(encode(stateValue(back))).toEqual(encode(stateValue(registry.state)));
    };
    check();
    const phone = registry.actor(1);
    registry.decide(
      await registry.next({
        ...{ kind: 'policy', names: [{ id: phone.holder.id, name: 'pocket' }] },
        unlockDevices: [phone.holder.id],
      }),
    );
    check();
    registry.decide(await registry.next({ kind: 'passphrase' }));
    check();
    const fresh = registry.fresh();
    const { header, signature } = registry.headOf(phone);
    const heads = ({ id }: { id: Uint8Array<ArrayBuffer> }) => ({ device: id, heads: [{ header, signature }] });
    const voters = [registry.actor(0), registry.actor(2)];
    registry.decide(
      await registry.next({ enters: [fresh.holder], leaves: [phone.holder.id] }, { entering: [fresh], voters, heads }),
      [fresh],
    );
    check();
    expect(registry.state.members.find(({ left }) => left !== null)?.cut).toHaveLength(1);
  });
});
