/**
 * The changes that a person asks for: who enters and leaves, the threshold, the passphrase, names. Each starts like every
 * other (initiate.ts) and is then waited for; the answer says where it stands.
 */
import { base32, equal, hex } from '../bytes.ts';
import type { MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import type { Passphrases } from '../device/passphrases.ts';
import { PassportError } from '../errors.ts';
import type { Role } from '../format/entry.ts';
import type { OpenableGrant } from '../registry/deal.ts';
import { placeAfter, signRole } from '../registry/messages.ts';
import { holdersOf, type Member, memberOf, type RegistryState } from '../registry/state.ts';
import { deviceActivity } from '../records/heads.ts';
import { storedVotes, storePlaces } from '../sync/ledger.ts';
import type {
  Change,
  ChangeOptions,
  EnrollOptions,
  PassphraseOptions,
  ReshareOptions,
  RevokeOptions,
  Waiting,
} from '../types.ts';
import { decidedAt } from './chain.ts';
import { nameOf } from './describe.ts';
import { checkName, kitSheet, makeKit, type NewKit } from './found.ts';
import {
  cancelChange,
  changeNumber,
  type ChangePlan,
  endChange,
  freshSeat,
  isOver,
  requirePolicy,
  startChange,
} from './initiate.ts';
import { type OwnChange, ownChange } from './own-change.ts';
import { confirmWords, finishInvitation, requireInvitation, startEnroll } from './invite.ts';
import { given, type Runtime } from './runtime.ts';
import { unattendedAfter } from './unattended.ts';
import { readSlot } from './slot.ts';

export function holderNamed(state: RegistryState, name: string): Member {
  const found = holdersOf(state).find((holder) => holder.name === name);
  if (found !== undefined) return found;
  const former = state.members.find((member) => member.name === name);
  throw new PassportError(
    'no-such-device',
    former === undefined ? `there is no holder named "${name}"` : `"${name}" has already left`,
    {
      hint: '`passport devices` lists them.',
    },
  );
}

/** Where this device's change stands now. */
async function changeState(run: Runtime, view: MemberView): Promise<Change | undefined> {
  const { device } = run;
  const own = await ownChange(view, device.pid);
  if (own === undefined) return undefined;
  const { state } = view;
  const number = changeNumber(device.pid, own);
  const id = hex(own.request.rid);
  const common = { id, kind: own.request.kind, number, needed: state.threshold };
  if (own.state !== 'open') {
    const ended = { ...common, state: own.state, hint: HINTS[own.state] };
    if (own.decidedSlot === null) return { ...ended, approvedBy: [] };
    const decided = await decidedAt(device, view, own.decidedSlot);
    const approvals = decided?.entry.core.approvals ?? [];
    return { ...ended, slot: own.decidedSlot, approvedBy: approvals.map(({ holder }) => nameOf(state, holder)) };
  }
  const slot = await readSlot(device, view, await storedVotes(view.tx));
  const asked = slot.requests.find(({ hash }) => equal(hash, own.hash));
  const approvedBy = (asked?.approvals ?? []).map(({ holder }) => memberOf(state, holder)?.name ?? '?');
  const refusals = asked?.refusedBy ?? [];
  if (refusals.length > holdersOf(state).length - state.threshold) {
    await endChange(device, view, own, 'refused');
    const by = refusals.map((holder) => memberOf(state, holder)?.name ?? '?').join(', ');
    return { ...common, state: 'refused', approvedBy, hint: `Refused by ${by}.` };
  }
  if (isOver(device, view, slot, own)) {
    await endChange(device, view, own, 'expired');
    return { ...common, state: 'expired', approvedBy, hint: HINTS.expired };
  }
  const missing = state.threshold - approvedBy.length;
  const roleMissing = own.roles.length < own.request.enters.length;
  const refused = refusals.map((holder) => memberOf(state, holder)?.name ?? '?');
  const hint = roleMissing
    ? 'Waiting for the new device: run `passport join` there again.'
    : missing > 0
      ? `${missing} more of ${state.threshold} holders must approve: \`passport approve\` on another device (number ${number}), or a kit here with --kit.`
      : 'Approved. Sync the devices that approved once more, then this one.';
  return {
    ...common,
    state: 'waiting',
    approvedBy,
    hint: refused.length === 0 ? hint : `${hint} Refused by ${refused.join(', ')}.`,
  };
}

const HINTS: Record<Exclude<OwnChange['state'], 'open'>, string> = {
  decided: 'Done.',
  superseded: 'Another change was decided first. Ask again if you still want this one.',
  cancelled: 'Nothing was changed.',
  refused: 'The other holders said no. Nothing was changed.',
  expired: 'Nobody approved in time. Nothing was changed; ask again.',
};

interface Started {
  readonly change: OwnChange;
  readonly openable?: readonly OpenableGrant[];
}

/** Starts in one transaction, after a sync, and waits. */
async function run(
  runtime: Runtime,
  options: ChangeOptions,
  passphrases: Passphrases,
  start: (view: MemberView) => Promise<Started>,
): Promise<Change> {
  await runtime.requireActive();
  const kits = await runtime.kits(options.kits);
  await runtime.sync(runtime.hands(runtime.passphrases(undefined, false)), { signal: options.signal });
  await runtime.requireActive(); // the sync may have shown that it is one no more
  const { change, openable } = await runtime.device.asMember(start);
  return waitFor(runtime, change, options, passphrases, kits, openable);
}

async function waitFor(
  runtime: Runtime,
  change: OwnChange,
  options: Waiting & { passphrase?: string },
  passphrases: Passphrases,
  kits: readonly KitHand[],
  openable?: readonly OpenableGrant[],
): Promise<Change> {
  const { device } = runtime;
  runtime.tell({ event: 'number', id: hex(change.request.rid), number: changeNumber(device.pid, change) });
  const hands = runtime.hands(passphrases, kits, change.hash, openable);
  const now = () => device.asMember((view) => changeState(runtime, view));
  let said = '';
  const done = await runtime.until(hands, { ...options, ...given(options) }, async () => {
    const state = await now();
    if (state === undefined || state.state !== 'waiting') return state;
    if (state.hint !== said) runtime.tell({ event: 'waiting', what: state.hint });
    said = state.hint;
    return undefined;
  });
  const state = done ?? (await now());
  if (state === undefined) throw new TypeError('a change that was started has a state');
  if (state.state === 'decided') await device.asMember((view) => finishInvitation(device, view, change.hash));
  return state;
}

async function begin(runtime: Runtime, view: MemberView, plan: ChangePlan): Promise<OwnChange> {
  const slot = await readSlot(runtime.device, view, await storedVotes(view.tx));
  return startChange(runtime.device, view, slot, plan);
}

export async function enroll(runtime: Runtime, id: string, options: EnrollOptions): Promise<Change> {
  const { device } = runtime;
  await device.asMember((view) => requireInvitation(device, view, id));
  if (!(await device.asMember((view) => confirmWords(device, view, id, options.words)))) {
    await runtime.sync(runtime.hands(runtime.passphrases(undefined, false)));
    throw new PassportError(
      'words-mismatch',
      'these are not the words that the new device shows; the invitation is void',
      {
        hint: 'If you mistyped, invite again. If the words on the new device were really others, somebody is between the two.',
      },
    );
  }
  return run(runtime, options, runtime.passphrases(options.passphrase, true), async (view) => {
    const slot = await readSlot(device, view, await storedVotes(view.tx));
    return { change: await startEnroll(device, view, slot, id) };
  });
}

/** A new kit for the place of what leaves: made, kept by the person, and consenting, before anybody is asked. */
async function freshKit(runtime: Runtime, options: RevokeOptions): Promise<NewKit | undefined> {
  if (options.kit === false) return undefined;
  if (options.keepKits === undefined)
    throw new PassportError('usage', 'somebody must keep the new kit', { hint: 'Give keepKits, or kit: false.' });
  const { device } = runtime;
  const { kit, sheet } = await device.asMember(async ({ state, tx }) => {
    const names = new Set(state.members.map((member) => member.name));
    let number = 1;
    while (names.has(`kit-${number}`)) number += 1;
    const made = makeKit(device.pid, freshSeat(state), number, device.random);
    const stores = (await storePlaces(tx)).map(({ url, id }) => ({ url, id: base32(id) }));
    return { kit: made, sheet: kitSheet(made, number, device.pid, state.epoch + 1, device.env.clock.now(), stores) };
  });
  await options.keepKits([sheet]);
  return kit;
}

/** How much of what the leaving device wrote is known here: what it wrote beyond that will be set aside. */
async function tellFreshness(runtime: Runtime, name: string): Promise<void> {
  const { device } = runtime;
  await runtime.sync(runtime.hands(runtime.passphrases(undefined, false)));
  const seen = await device.asMember(async (view) => {
    const activity = await deviceActivity(view.tx, device.records(view));
    const leaving = holderNamed(view.state, name);
    return leaving.kind === 'kit' ? undefined : { time: activity.find((each) => equal(each.device, leaving.id))?.time };
  });
  if (seen === undefined) return;
  const when =
    seen.time === undefined
      ? 'nothing by it is known here'
      : `the newest change by it that is known here is of ${new Date(seen.time).toISOString()}`;
  runtime.tell({
    event: 'notice',
    text: `"${name}" leaves: ${when}. What it wrote after that and nobody has is set aside.`,
  });
}

export async function revoke(runtime: Runtime, name: string, options: RevokeOptions): Promise<Change> {
  const { device } = runtime;
  await runtime.requireActive();
  await device.asMember(async ({ state, secrets }) => {
    const leaving = holderNamed(state, name);
    if (equal(leaving.id, secrets.deviceId)) {
      throw new PassportError('usage', 'a device cannot revoke itself', {
        hint: 'Run this on another device: who leaves must not deal the new keys.',
      });
    }
    // Before a kit is printed.
    requirePolicy(options.threshold ?? state.threshold, holdersOf(state).length - (options.kit === false ? 1 : 0));
  });
  await tellFreshness(runtime, name);
  const kit = await freshKit(runtime, options);
  return run(runtime, options, runtime.passphrases(options.passphrase, true), async (view) => {
    const leaving = holderNamed(view.state, name);
    const place = placeAfter(view.state);
    const transcript = new Uint8Array(32);
    const roles: Role[] =
      kit === undefined
        ? []
        : [
            {
              holder: kit.holder.id,
              transcript,
              signature: signRole(device.pid, kit.signSeed, place, kit.holder, transcript),
            },
          ];
    const change = await begin(runtime, view, {
      kind: 'holders',
      enters: kit === undefined ? [] : [kit.holder],
      leaves: [leaving.id],
      roles,
      threshold: options.threshold ?? view.state.threshold,
    });
    return {
      change,
      openable: kit === undefined ? [] : [{ holder: kit.holder.id, receivePrivate: kit.receivePrivate }],
    };
  });
}

/** A threshold that needs every holder makes one loss the loss of everything: only on request. */
function spared(state: RegistryState, { threshold, noSpare }: ReshareOptions): number {
  if (threshold < holdersOf(state).length || noSpare === true) return threshold;
  throw new PassportError('policy-unsafe', `${threshold} of ${holdersOf(state).length} leaves no holder to spare`, {
    hint: 'One loss would be the loss of everything. If that is what you want: --no-spare',
  });
}

/** `usage` without a threshold, which only TypeScript asks for. */
export function reshare(runtime: Runtime, options: ReshareOptions): Promise<Change> {
  if (!Number.isSafeInteger(options.threshold)) {
    throw new PassportError('usage', 'reshare needs the threshold: how many holders shall open the passport', {
      hint: 'A whole number, as in reshare({ threshold: 3 }).',
    });
  }
  return run(runtime, options, runtime.passphrases(options.passphrase, true), async (view) => ({
    change: await begin(runtime, view, { kind: 'holders', threshold: spared(view.state, options) }),
  }));
}

/** The present passphrase and, for a change of it, the one to come. */
function bothPassphrases(runtime: Runtime, options: PassphraseOptions): Passphrases {
  const { person } = runtime.device.env;
  return runtime.passphrases(options.passphrase, true, {
    next: async () => options.newPassphrase ?? person.passphrase('new'),
    nextCost: options.argon2Cost,
  });
}

export function changePassphrase(runtime: Runtime, options: PassphraseOptions): Promise<Change> {
  return run(runtime, options, bothPassphrases(runtime, options), async (view) => ({
    change: await begin(runtime, view, { kind: 'passphrase' }),
  }));
}

export function rename(runtime: Runtime, from: string, to: string, options: ChangeOptions): Promise<Change> {
  const name = checkName(to);
  return run(runtime, options, runtime.passphrases(options.passphrase, true), async (view) => ({
    change: await begin(runtime, view, { kind: 'policy', names: [{ id: holderNamed(view.state, from).id, name }] }),
  }));
}

/** Whether a device may open the passport without anybody's approval. */
export function unattended(runtime: Runtime, name: string, on: boolean, options: ChangeOptions): Promise<Change> {
  return run(runtime, options, runtime.passphrases(options.passphrase, true), async (view) => {
    const unlockDevices = unattendedAfter(view.state, holderNamed(view.state, name), on);
    return { change: await begin(runtime, view, { kind: 'policy', unlockDevices }) };
  });
}

/** Takes up this device's open change again. */
export async function finish(runtime: Runtime, id: string, options: PassphraseOptions): Promise<Change> {
  await runtime.requireActive();
  const kits = await runtime.kits(options.kits);
  const change = await runtime.device.asMember((view) => ownChange(view, runtime.device.pid));
  if (change === undefined || !hex(change.request.rid).startsWith(id.toLowerCase())) {
    throw new PassportError('no-such-request', 'this device asked for no such change');
  }
  return waitFor(runtime, change, options, bothPassphrases(runtime, options), kits);
}

/** After a recovery was started: the same wait, with the kits. */
export function finishRecover(
  runtime: Runtime,
  change: OwnChange,
  passphrases: Passphrases,
  kits: readonly KitHand[],
  options: Waiting,
): Promise<Change> {
  return waitFor(runtime, change, options, passphrases, kits);
}

export async function cancelOwn(runtime: Runtime, id: string): Promise<boolean> {
  const { device } = runtime;
  return device.asMember(async (view) => {
    const change = await ownChange(view, device.pid);
    if (change?.state !== 'open' || !hex(change.request.rid).startsWith(id.toLowerCase())) return false;
    const slot = await readSlot(device, view, await storedVotes(view.tx));
    if (slot.proposals.some(({ ballot }) => equal(ballot.initiator, view.secrets.deviceId))) {
      throw new PassportError(
        'refused',
        'the change is already proposed and may be decided: it cannot be cancelled any more',
        {
          hint: 'Finish it: passport sync on the devices that approved.',
        },
      );
    }
    await cancelChange(device, view, change);
    await finishInvitation(device, view, change.hash);
    return true;
  });
}
