/** Opening a grant against the decided entry (docs/protocol.md, 3). */
import { type Bytes, equal } from '../../../src/bytes.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { commitShare } from '../../../src/crypto/share.ts';
import { isPassportError } from '../../../src/errors.ts';
import { MAX_GRANT_BYTES, openGrant } from '../../../src/format/grant.ts';
import { openGrantOf } from '../../../src/registry/open.ts';
import type { EpochInfo } from '../../../src/registry/state.ts';
import { type Input, type Operation, refuse } from '../schema.ts';

async function open(input: Input) {
  const decided = input.object('decided');
  const holder = decided.bytes('holder');
  const count = decided.number('count');
  const kind = decided.number('kind') === 0 ? ('device' as const) : ('kit' as const);
  const own = { id: holder, seat: decided.number('seat'), kind };
  const nobody = { id: new Uint8Array(16), seat: 0, kind };
  const epoch = {
    epoch: decided.number('epoch'),
    slot: decided.number('slot'),
    prev: decided.bytes('prev'),
    threshold: decided.number('threshold'),
    dealer: decided.bytes('dealer'),
    holders: [own, ...Array.from({ length: count - 1 }, () => nobody)],
    shares: [{ commitment: decided.bytes('commitment'), grantHash: decided.bytes('grantHash') }],
  } as unknown as EpochInfo;
  const pid = decided.bytes('pid');
  const [key, sealed] = [input.bytes('receivePrivate'), input.bytes('grant')];
  try {
    const { share, device } = await openGrantOf(pid, epoch, holder, key, sealed);
    return { share, meshKey: device && device.meshKey, nameRoot: device && device.nameRoot };
  } catch (error) {
    if (isPassportError(error, 'decryption-failed')) return refuse(sealed.length < 48 ? 'parse' : 'tag');
    if (!isPassportError(error, 'share-invalid')) throw error;
    return refuse(await whyInvalid(pid, epoch, key, sealed));
  }
}

async function whyInvalid(pid: Bytes, epoch: EpochInfo, key: Bytes, sealed: Bytes): Promise<string> {
  if (sealed.length > MAX_GRANT_BYTES) return 'bound';
  const [holder, share] = [epoch.holders[0]!, epoch.shares[0]!];
  if (!equal(sha256(sealed), share.grantHash)) return 'context';
  const grant = await openGrant(key, epoch.epoch, sealed);
  const { slot, epoch: number, threshold, holders } = epoch;
  const terms = { pid, slot, epoch: number, threshold, count: holders.length, holder: holder.id, seat: holder.seat };
  const same =
    equal(grant.pid, pid) &&
    grant.slot === slot &&
    equal(grant.prev, epoch.prev) &&
    grant.epoch === number &&
    grant.threshold === threshold &&
    grant.count === holders.length &&
    equal(grant.holder, holder.id) &&
    grant.seat === holder.seat &&
    equal(grant.dealer, epoch.dealer) &&
    (grant.device === null) === (holder.kind === 'kit');
  if (!same) return 'context';
  if (!equal(commitShare(grant.share, terms), share.commitment)) return 'commitment';
  throw new TypeError('nothing is wrong with it');
}

export const grants: Record<string, Operation> = { 'grant-open': open };
