/** How the passport is: status, devices, the registry in words, and the check of a kit. Nothing here needs a store. */
import { base32, equal, hex } from '../bytes.ts';
import { deviceWords } from '../crypto/words.ts';
import { signStatement } from '../crypto/sign.ts';
import { forkOf } from '../device/device.ts';
import { kitHands, requireHolders } from '../device/hands.ts';
import { PassportError } from '../errors.ts';
import { parseRequest } from '../format/entry.ts';
import { conflictCount } from '../records/conflicts.ts';
import { wrongClocks } from '../records/clocks.ts';
import { deviceActivity } from '../records/heads.ts';
import { bundleSummary } from '../records/objects.ts';
import { applyEntry, epochOf, headSlot, holderOf, holdersOf, memberOf, type RegistryState } from '../registry/state.ts';
import { readLedger, storePlaces } from '../sync/ledger.ts';
import type { DeviceInfo, KitCheck, LogEntry, Status, StoreStatus } from '../types.ts';
import { decidedAt } from './chain.ts';
import { nameOf, summary } from './describe.ts';
import { contribution, kitOpener } from './grants.ts';
import { ownChange } from './initiate.ts';
import { noteKitCheck } from './kit-checks.ts';
import type { Runtime } from './runtime.ts';
import { behind } from './sync.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

export async function status(run: Runtime): Promise<Status> {
  const { device } = run;
  const basis = await device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const places = await storePlaces(tx);
    const ledgers = [];
    for (const place of places) ledgers.push({ place, ledger: await readLedger(tx, place) });
    const ctx = device.records(view);
    return {
      ...{ state, secrets, ledgers },
      pending: (await bundleSummary(tx)).pending,
      fork: await forkOf(tx),
      change: await ownChange(view, device.pid),
      conflicts: device.session === undefined ? 0 : await conflictCount(tx, ctx),
      clocks: await wrongClocks(tx),
    };
  });
  const { state, secrets, ledgers, fork, change } = basis;
  const holders = holdersOf(state);
  const me = memberOf(state, secrets.deviceId);
  const canLose = holders.length - state.threshold;
  const now = device.env.clock.now();
  const stores: StoreStatus[] = [];
  for (const { place, ledger } of ledgers) {
    const seen = ledger.checkedAt > 0 ? { checkedAtMs: ledger.checkedAt } : {};
    stores.push({
      url: place.url,
      id: base32(place.id),
      state: ledger.state,
      behind: await behind(device, ledger),
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
    warnings.push(`"${nameOf(state, id)}" may open the vault without anybody’s approval.`);
  if (change?.state === 'open') warnings.push('A change that this device asked for is not decided: passport requests');
  if (basis.conflicts > 0)
    warnings.push(
      `${basis.conflicts} record${basis.conflicts === 1 ? ' has' : 's have'} more than one version: passport conflicts`,
    );
  for (const id of basis.clocks) warnings.push(`The clock of "${nameOf(state, id)}" is wrong.`);
  for (const { url, checkedAtMs, state: storeState } of stores) {
    if (storeState !== 'ok') warnings.push(`${url}: ${storeState}`);
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

export function devices(run: Runtime): Promise<DeviceInfo[]> {
  const { device } = run;
  return device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const fork = await forkOf(tx);
    const activity = await deviceActivity(tx, device.records(view, fork));
    return state.members.map((member): DeviceInfo => {
      const seen = activity.find((each) => equal(each.device, member.id))?.time;
      const suspended = fork?.suspended.some((id) => equal(id, member.id)) === true;
      return {
        name: member.name,
        seat: member.seat,
        kind: member.kind,
        state: member.left !== null ? 'revoked' : suspended ? 'suspended' : 'active',
        me: equal(member.id, secrets.deviceId),
        fingerprint: deviceWords(device.pid, member.signKey, member.firstKey).join(' '),
        ...(seen === undefined ? {} : { lastSeen: seen }),
      };
    });
  });
}

/** Every entry in words, from the replica: who did what, approved by whom, when. */
export function log(run: Runtime): Promise<LogEntry[]> {
  const { device } = run;
  return device.asMember(async (view) => {
    const entries: LogEntry[] = [];
    let state: RegistryState | undefined;
    for (let slot = 0; slot <= headSlot(view.state); slot++) {
      const decided = await decidedAt(device, view, slot);
      if (decided === undefined)
        throw new PassportError('missing', `the registry entry ${slot} is missing in this home`, {
          hint: 'passport verify --repair',
        });
      const { core } = decided.entry;
      const after = applyEntry(state, decided.entry);
      const request = slot === 0 ? undefined : parseRequest(core.request);
      const founders = core.holders.map((holder) => holder.name).join(', ');
      entries.push({
        slot,
        kind: request?.kind ?? 'found',
        time: core.time,
        by: nameOf(after, core.birth.initiator),
        approvedBy: core.approvals.map(({ holder }) => nameOf(after, holder)),
        summary:
          request === undefined || state === undefined
            ? `Founded with ${founders}; ${core.threshold} of ${core.holders.length} needed`
            : summary(state, request),
      });
      state = after;
    }
    return entries;
  });
}

/** Proves that a kit works: its grant opens and its share fits, without opening the vault. */
export async function checkKit(run: Runtime, words: string): Promise<KitCheck> {
  const { device } = run;
  return device.asMember(async (view) => {
    const { state, tx } = view;
    const [kit] = kitHands(device.pid, [words]);
    if (kit === undefined) throw new PassportError('kit-invalid', 'no words were given');
    requireHolders(state, [kit]);
    await contribution(device, view, kitOpener(kit));
    const { slot, epoch } = epochOf(state);
    const time = Math.max(0, device.env.clock.now());
    await noteKitCheck(tx, {
      kit: kit.id,
      slot,
      epoch,
      time,
      signature: signStatement(kit.signSeed, device.pid, 'kit-check', slot, epoch, time),
    });
    return { name: holderOf(state, kit.id)?.name ?? '', epoch, ok: true };
  });
}
