/** A grant: sealed to one key for one epoch, nothing about the passport in clear. */
import { describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { type Grant, MAX_GRANT_BYTES, openGrant, sealGrant } from '../../src/format/grant.ts';
import { hpkeSeal } from '../../src/crypto/hpke.ts';
import { info0 } from '../../src/crypto/statements.ts';
import { encode } from '../../src/cbor.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('grant format');
const key = receiveKey(random);
const grant: Grant = {
  ...{ pid: random(32), slot: 4, prev: random(32), epoch: 3, threshold: 2, count: 3, holder: random(16), seat: 5 },
  ...{ dealer: random(16), share: random(33), device: { meshKey: random(32), nameRoot: random(32) } },
};

describe('a grant', () => {
  it('opens with the private key and the epoch, and gives every field', async () => {
    const sealed = await sealGrant(key.publicKey, grant, random);
    expect(sealed.length).toBeLessThan(MAX_GRANT_BYTES);
    expect(await openGrant(key.privateKey, 3, sealed)).toEqual(grant);
    const paper = { ...grant, device: null };
    expect(await openGrant(key.privateKey, 3, await sealGrant(key.publicKey, paper, random))).toEqual(paper);
  });

  it('opens for nobody else, in no other epoch, and not when a byte is changed', async () => {
    const sealed = await sealGrant(key.publicKey, grant, random);
    expect(await rejectionOf(openGrant(receiveKey(random).privateKey, 3, sealed))).toBe('decryption-failed');
    expect(await rejectionOf(openGrant(key.privateKey, 4, sealed))).toBe('decryption-failed');
    for (let i = 0; i < sealed.length; i += 13) {
      const other = copy(sealed);
      other[i] = other[i]! ^ 1;
      expect(await rejectionOf(openGrant(key.privateKey, 3, other))).toBe('decryption-failed');
    }
    expect(await rejectionOf(openGrant(key.privateKey, 3, sealed.slice(0, 40)))).toBe('decryption-failed');
  });

  it('is malformed when its content is no grant, whoever sealed it', async () => {
    const { pid, slot, prev, epoch, threshold, count, holder, seat, dealer, share } = grant;
    const { meshKey, nameRoot } = grant.device!;
    const fields = [pid, slot, prev, epoch, threshold, count, holder, seat, dealer, share, meshKey, nameRoot];
    const seal = (content: readonly (Uint8Array<ArrayBuffer> | number | null)[]) =>
      hpkeSeal(key.publicKey, { info: info0('grant', 3) }, encode(content), random);
    expect(await rejectionOf(openGrant(key.privateKey, 3, await seal(fields)))).toBe('no error');
    for (const i of fields.keys()) {
      const value = fields[i];
      const other = typeof value === 'number' ? new Uint8Array(4) : value!.slice(1);
      const changed = fields.map((field, at) => (at === i ? other : field));
      expect(await rejectionOf(openGrant(key.privateKey, 3, await seal(changed))), `field ${i}`).toBe('malformed');
    }
    expect(await rejectionOf(openGrant(key.privateKey, 3, await seal(fields.slice(1))))).toBe('malformed');
    expect(await rejectionOf(openGrant(key.privateKey, 3, await seal([...fields, 1])))).toBe('malformed');
  });

  it('with a mesh key and no name root, or the other way, is malformed', async () => {
    const { pid, slot, prev, epoch, threshold, count, holder, seat, dealer, share } = grant;
    const common = [pid, slot, prev, epoch, threshold, count, holder, seat, dealer, share];
    for (const rest of [
      [grant.device!.meshKey, null],
      [null, grant.device!.nameRoot],
    ]) {
      const sealed = await hpkeSeal(key.publicKey, { info: info0('grant', 3) }, encode([...common, ...rest]), random);
      expect(await rejectionOf(openGrant(key.privateKey, 3, sealed))).toBe('malformed');
    }
  });
});
