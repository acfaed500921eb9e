/**
 * How this device and its passport stand, from a few cells of its own journal: the command that a person types most. So it
 * loads no other ceremony, and asks no store and no person.
 */
import { base32, hex } from '../bytes.ts';
import { type Device, forkOf } from '../device/device.ts';
import { Buckets } from '../records/buckets.ts';
import { wrongClocks } from '../records/clocks.ts';
import { bundleSummary } from '../records/objects.ts';
import { headSlot, holdersOf, memberOf } from '../registry/state.ts';
import { readLedger, storePlaces } from '../sync/ledger.ts';
import { behind } from '../sync/wanted.ts';
import type { Status, StoreStatus } from '../types.ts';
import { ownChange } from './own-change.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

export async function status(device: Device): Promise<Status> {
  const basis = await device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const places = await storePlaces(tx);
    const ledgers = [];
    for (const place of places) {
      const ledger = await readLedger(tx, place);
      ledgers.push({ place, ledger, behind: await behind(tx, ledger) });
    }
    return {
      ...{ state, secrets, ledgers },
      pending: (await bundleSummary(tx)).pending,
      fork: await forkOf(tx),
      change: await ownChange(view, device.pid),
      conflicts: device.session === undefined ? 0 : await new Buckets(tx).conflictCount(),
      clocks: await wrongClocks(tx),
    };
  });
  const { state, secrets, ledgers, fork, change } = basis;
  const holders = holdersOf(state);
  const me = memberOf(state, secrets.deviceId);
  const canLose = holders.length - state.threshold;
  const now = device.env.clock.now();
  const stores: StoreStatus[] = [];
  for (const { place, ledger, behind: lacking } of ledgers) {
    const seen = ledger.checkedAt > 0 ? { checkedAtMs: ledger.checkedAt } : {};
    stores.push({
      url: place.url,
      id: base32(place.id),
      state: ledger.state,
      behind: lacking,
      ...seen,
    });
  }
  const warnings: string[] = [];
  if (me?.left !== null)
    warnings.push(
      me === undefined
        ? 'This device is not let in yet.'
        : 'This device was revoked: it can read what it had, and change nothing.',
    );
  if (fork !== undefined) {
    warnings.push(
      `The registry is frozen: two changes were decided in slot ${fork.slot}.${fork.culprits.length > 0 ? ` Voted twice: ${fork.culprits.join(', ')}.` : ''}`,
    );
  }
  const devices = holders.filter(({ kind }) => kind === 'device').length;
  if (devices === 1)
    warnings.push(
      'This is the only device: every unlock and change needs a kit typed. Enroll a second one: passport invite',
    );
  if (canLose === 0) warnings.push('No holder may be lost: all of them are needed to open the passport.');
  if (device.env.keystore.kind === 'plain')
    warnings.push('The keystore is not sealed (plain): whoever reads this disk has this device’s share.');
  for (const id of state.unlockDevices)
    warnings.push(`"${memberOf(state, id)?.name ?? '?'}" may open the vault without anybody’s approval.`);
  if (device.session !== undefined && device.session.epoch !== state.epoch) {
    warnings.push(
      'The mesh has new keys since this session began: it reads, but writing needs a new one (passport unlock).',
    );
  }
  if (change?.state === 'open') warnings.push('A change that this device asked for is not decided: passport requests');
  if (basis.conflicts > 0)
    warnings.push(
      `${basis.conflicts} record${basis.conflicts === 1 ? ' has' : 's have'} more than one version: passport conflicts`,
    );
  for (const id of basis.clocks) warnings.push(`The clock of "${memberOf(state, id)?.name ?? '?'}" is wrong.`);
  for (const { url, checkedAtMs, state: storeState } of stores) {
    if (storeState === 'forked')
      warnings.push(`${url}: forked, it shows another history than this device has: passport store check ${url}`);
    else if (storeState !== 'ok') warnings.push(`${url}: ${storeState}`);
    if (checkedAtMs !== undefined && now - checkedAtMs > WEEK_MS)
      warnings.push(`${url} was last seen more than a week ago: passport sync`);
  }
  return {
    passport: hex(device.pid),
    open: true,
    device: me?.name ?? '',
    epoch: state.epoch,
    slot: headSlot(state),
    threshold: state.threshold,
    holders: holders.length,
    canLose,
    session: device.session === undefined ? { open: false } : { open: true, until: device.session.until },
    pending: basis.pending,
    stores,
    keystore: device.env.keystore.kind,
    warnings,
  };
}
