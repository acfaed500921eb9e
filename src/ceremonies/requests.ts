/**
 * What waits for this person: changes and unlocks that other devices ask for, an answered invitation of this device, and its
 * own open requests. Approving wants the two digits that the asking device shows.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { deviceWords } from '../crypto/words.ts';
import type { MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import { PassportError } from '../errors.ts';
import { matchNumber } from '../format/entry.ts';
import { parseHello } from '../format/pairing.ts';
import { holdersOf, memberOf } from '../registry/state.ts';
import { storedVotes } from '../sync/ledger.ts';
import type { ApproveOptions, Change, Request } from '../types.ts';
import { decidedAt } from './chain.ts';
import { cancelOwn } from './changes.ts';
import { changeCard, nameOf, unlockCard } from './describe.ts';
import { ownChange } from './own-change.ts';
import { openInvitation, burn, refusePairing } from './invite.ts';
import { given, type Runtime } from './runtime.ts';
import { readSlot, type SlotRequest, type SlotView } from './slot.ts';
import { requireOpenRegistry } from './sync.ts';
import {
  answerUnlock,
  endUnlock,
  ownUnlock,
  refuseUnlock,
  unlockNumber,
  type UnlockRequest,
  unlockRequests,
} from './unlock.ts';
import { approve as sayApproval, deviceHand, refuse as sayRefusal, refusedHere } from './voting.ts';

const MAX_OPEN_PER_DEVICE = 3;

interface Found {
  readonly slot: SlotView;
  readonly changes: readonly SlotRequest[];
  readonly unlocks: readonly UnlockRequest[];
}

async function look(run: Runtime, view: MemberView): Promise<Found> {
  const { device } = run;
  const slot = await readSlot(device, view, await storedVotes(view.tx));
  const now = device.env.clock.now();
  const refused = await refusedHere(view.tx);
  const canRefuse = holdersOf(view.state).length - view.state.threshold;
  const open = slot.requests.filter(
    ({ request, cancelled, hash, refusedBy }) =>
      !cancelled && request.expiry > now && !refused.has(hex(hash)) && refusedBy.length <= canRefuse,
  );
  const perDevice = new Map<string, number>();
  const changes = open.filter(({ request }) => {
    const by = hex(request.initiator.id);
    perDevice.set(by, (perDevice.get(by) ?? 0) + 1);
    return (perDevice.get(by) as number) <= MAX_OPEN_PER_DEVICE;
  });
  return { slot, changes, unlocks: await unlockRequests(device, view) };
}

export function requests(run: Runtime): Promise<Request[]> {
  const { device } = run;
  return device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const { changes, unlocks } = await look(run, view);
    const me = secrets.deviceId;
    const list: Request[] = changes.map(({ request, hash, approvals }) => {
      const mine = equal(request.initiator.id, me);
      const base: Request = {
        id: hex(request.rid),
        kind: 'change',
        from: memberOf(state, request.initiator.id)?.name ?? request.enters[0]?.name ?? '?',
        expires: request.expiry,
        card: changeCard(device.pid, state, request),
        mine,
        approved: approvals.some(({ holder }) => equal(holder, me)),
      };
      return mine ? { ...base, number: matchNumber(device.pid, hash) } : base;
    });
    for (const unlock of unlocks) {
      list.push({
        id: hex(unlock.rid),
        kind: 'unlock',
        from: nameOf(state, unlock.initiator),
        expires: unlock.notAfter,
        card: unlockCard(state, unlock.initiator, unlock.purpose, unlock.ttlMs),
        mine: false,
        approved: false,
      });
    }
    const own = await ownUnlock(view, device.pid);
    if (own !== undefined && own.notAfter > device.env.clock.now()) {
      list.push({
        id: hex(own.rid),
        kind: 'unlock',
        from: nameOf(state, me),
        expires: own.notAfter,
        card: unlockCard(state, me, own.purpose, own.ttlMs),
        mine: true,
        approved: true,
        number: unlockNumber(device.pid, own),
      });
    }
    const invitation = await openInvitation({ tx });
    if (
      invitation !== undefined &&
      invitation.hello !== null &&
      invitation.stage !== 'burnt' &&
      invitation.change === null
    ) {
      const hello = parseHello(invitation.hello);
      list.push({
        id: hex(invitation.data.iid),
        kind: 'pairing',
        from: hello.name,
        expires: invitation.expires,
        card: {
          title: `"${hello.name}" answered your invitation`,
          lines: [
            `It shows these words of its keys: ${deviceWords(device.pid, hello.signKey, hello.receiveKey).join(' ')}`,
          ],
          warnings: ['Type the three words that it shows; if it shows others, refuse'],
        },
        mine: true,
        approved: false,
      });
    }
    return list;
  });
}

function unknown(): PassportError {
  return new PassportError('no-such-request', 'there is no open request with this id', {
    hint: '`passport requests` lists them; sync first.',
  });
}

const starts = (rid: Bytes, id: string) => hex(rid).startsWith(id.toLowerCase());

/** What is wrong with a typed number. Another number than the asking device shows is a no: somebody else may be asking. */
function wrongNumber(expected: number, typed: number | undefined): PassportError | undefined {
  if (typed === expected) return undefined; // V195
  if (typed === undefined) {
    return new PassportError('number-mismatch', 'the number on the asking device is needed', {
      hint: 'Nothing was approved. If nobody is at that device, refuse the request.',
    });
  }
  return new PassportError('number-mismatch', 'the asking device shows another number, so the request was refused', {
    hint: 'If you mistyped, ask again on that device.',
  });
}

/** The yes of this person; then this device stays until it has accepted what comes of it, or time is up. */
export async function approve(
  run: Runtime,
  id: string,
  options: ApproveOptions,
): Promise<Change | { readonly state: 'answered' }> {
  const { device } = run;
  await run.requireMember();
  const kits = await run.kits(options.kits);
  await run.sync(run.hands(run.passphrases(options.passphrase, false)), { signal: options.signal });
  const found = await device.asMember(async (view) => {
    const { slot, changes, unlocks } = await look(run, view);
    const unlock = unlocks.find(({ rid }) => starts(rid, id));
    if (unlock !== undefined) {
      const wrong = wrongNumber(unlockNumber(device.pid, unlock), options.number);
      if (wrong === undefined) await answerUnlock(device, view, unlock);
      else if (options.number !== undefined) await refuseUnlock(device, view, unlock);
      return wrong ?? ('unlock' as const);
    }
    const change = changes.find(({ request }) => starts(request.rid, id));
    if (change === undefined) throw unknown();
    await requireOpenRegistry(view);
    const mine = equal(change.request.initiator.id, view.secrets.deviceId);
    const said = change.approvals.some(({ holder }) => equal(holder, view.secrets.deviceId));
    const wrong = mine || said ? undefined : wrongNumber(matchNumber(device.pid, change.hash), options.number);
    if (wrong !== undefined) {
      if (options.number !== undefined) await sayRefusal(device, view, slot, deviceHand(view), change);
      return wrong;
    }
    await sayApproval(device, view, slot, deviceHand(view), change);
    return { change, slot: slot.place.slot };
  });
  const passphrases = run.passphrases(options.passphrase, false);
  if (found instanceof PassportError) {
    await run.sync(run.hands(passphrases), { signal: options.signal });
    throw found;
  }
  if (found === 'unlock') {
    await run.sync(run.hands(passphrases), { signal: options.signal });
    return { state: 'answered' };
  }
  return waitForDecision(run, found.change, found.slot, options, kits);
}

async function waitForDecision(
  run: Runtime,
  asked: SlotRequest,
  slot: number,
  options: ApproveOptions,
  kits: readonly KitHand[],
): Promise<Change> {
  const { device } = run;
  const { request } = asked;
  const common = { id: hex(request.rid), kind: request.kind, number: matchNumber(device.pid, asked.hash) };
  const own = await device.asMember((view) => ownChange(view, device.pid));
  const mine = own !== undefined && equal(own.hash, asked.hash);
  const hands = run.hands(run.passphrases(options.passphrase, mine), kits, asked.hash);
  run.tell({ event: 'waiting', what: 'Approved. Waiting for the change to be finished …' });
  const decided = await run.until(hands, { ...options, ...given(options) }, () =>
    device.asMember(async ({ state }) => {
      if (state.entries.length <= slot) return undefined;
      // The approvals of a slot that is decided are gone: whether it was this request is in the entry.
      return state;
    }),
  );
  return device.asMember(async (view) => {
    const { state } = view;
    const approvedBy: string[] = [];
    if (decided === undefined) {
      const now = (await look(run, view)).slot.requests.find(({ hash }) => equal(hash, asked.hash));
      for (const { holder } of now?.approvals ?? []) approvedBy.push(nameOf(state, holder));
      const hint = 'Approved here. The asking device finishes it; sync this device once more after that.';
      return { ...common, state: 'waiting', approvedBy, needed: state.threshold, hint };
    }
    const entry = (await decidedAt(device, view, slot))?.entry;
    const same = entry !== undefined && equal(entry.core.request, asked.bytes);
    for (const { holder } of entry?.core.approvals ?? []) approvedBy.push(nameOf(state, holder));
    return same
      ? { ...common, state: 'decided', slot, approvedBy, needed: state.threshold, hint: 'Done.' }
      : {
          ...common,
          state: 'superseded',
          approvedBy,
          needed: state.threshold,
          hint: 'Another change was decided first.',
        };
  });
}

/** Notes a refusal; who was refused twice within ten minutes is named, because somebody may be using a stolen device. */
async function noteRefusal(run: Runtime, view: MemberView, initiator: Bytes): Promise<string | undefined> {
  const now = run.device.env.clock.now();
  const before = ((await view.tx.get('refusals')) ?? []) as [Bytes, number][];
  const recent = before.filter(([, at]) => Math.abs(now - at) < 10 * 60 * 1000);
  view.tx.set('refusals', [...recent, [initiator, Math.max(0, now)]].slice(-64));
  return recent.some(([by]) => equal(by, initiator)) ? memberOf(view.state, initiator)?.name : undefined;
}

export async function refuse(run: Runtime, id: string): Promise<void> {
  const { device } = run;
  await run.requireMember();
  const suspect = await device.asMember(async (view): Promise<string | undefined> => {
    const invitation = await openInvitation(view);
    if (invitation !== undefined && starts(invitation.data.iid, id)) {
      await refusePairing(device, view);
      return undefined;
    }
    const { slot, changes, unlocks } = await look(run, view);
    const unlock = unlocks.find(({ rid }) => starts(rid, id));
    if (unlock !== undefined) {
      await refuseUnlock(device, view, unlock);
      return noteRefusal(run, view, unlock.initiator);
    }
    const change = changes.find(({ request }) => starts(request.rid, id));
    if (change === undefined) throw unknown();
    await requireOpenRegistry(view);
    await sayRefusal(device, view, slot, deviceHand(view), change);
    return noteRefusal(run, view, change.request.initiator.id);
  });
  if (suspect !== undefined) {
    run.tell({
      event: 'notice',
      text: `You refused "${suspect}" twice. If it is not in your hands, let it go: passport revoke ${suspect}`,
    });
  }
  await run.sync(run.hands(run.passphrases(undefined, false)));
}

/** Takes back what this device asked for: a change, an unlock or an invitation. */
export async function cancel(run: Runtime, id: string): Promise<void> {
  const { device } = run;
  const done = await device.asMember(async (view) => {
    const invitation = await openInvitation(view);
    if (invitation !== undefined && starts(invitation.data.iid, id) && invitation.change === null) {
      await burn(device, view);
      return true;
    }
    const unlock = await ownUnlock(view, device.pid);
    if (unlock === undefined || !starts(unlock.rid, id)) return false;
    await endUnlock(device, view, unlock);
    return true;
  });
  if (!done && !(await cancelOwn(run, id))) throw unknown();
  await run.sync(run.hands(run.passphrases(undefined, false)));
}
