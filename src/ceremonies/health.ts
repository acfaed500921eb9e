/** How the passport is: devices, the registry in words, and the check of a kit. Nothing here needs a store. */
import { equal } from '../bytes.ts';
import { deviceWords } from '../crypto/words.ts';
import { signStatement } from '../crypto/sign.ts';
import { forkOf } from '../device/device.ts';
import { kitHands, requireHolders } from '../device/hands.ts';
import { PassportError } from '../errors.ts';
import { parseRequest } from '../format/entry.ts';
import { deviceActivity } from '../records/heads.ts';
import { applyEntry, epochOf, headSlot, holderOf, type RegistryState } from '../registry/state.ts';
import type { DeviceInfo, KitCheck, LogEntry } from '../types.ts';
import { decidedAt } from './chain.ts';
import { nameOf, summary } from './describe.ts';
import { contribution, kitOpener } from './grants.ts';
import { noteKitCheck } from './kit-checks.ts';
import type { Runtime } from './runtime.ts';

export function devices(run: Runtime): Promise<DeviceInfo[]> {
  const { device } = run;
  return device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const fork = await forkOf(tx);
    const activity = await deviceActivity(tx, device.records(view, fork));
    return state.members.map((member): DeviceInfo => {
      const heard = activity.find((each) => equal(each.device, member.id));
      const seen = heard?.time;
      const suspended = fork?.suspended.some((id) => equal(id, member.id)) === true;
      return {
        name: member.name,
        seat: member.seat,
        kind: member.kind,
        state:
          member.left !== null ? 'revoked' : suspended ? 'suspended' : heard?.cloned === true ? 'cloned' : 'active',
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
