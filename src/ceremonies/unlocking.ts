/** The unlock as a person has it: shares that are here, then the mesh, then the passphrase; the session; the receipt. */
import { equal, hex } from '../bytes.ts';
import type { Contribution } from '../crypto/share.ts';
import { type Device, type MemberView } from '../device/device.ts';
import { oneTime } from '../device/secrets.ts';
import { checkSessionTime } from '../device/session.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { fitsCommitment } from '../registry/open.ts';
import { epochOf, holdersOf, memberOf } from '../registry/state.ts';
import type { Session, UnlockOptions } from '../types.ts';
import { DEFAULT_SESSION_MS } from './found.ts';
import { given, type Runtime } from './runtime.ts';
import { acknowledge, settle } from './sync.ts';
import { keptKek } from './unattended.ts';
import {
  askUnlock,
  endUnlock,
  openEpoch,
  ownUnlock,
  sharesHere,
  unlockAnswers,
  unlockNumber,
  type UnlockRequest,
} from './unlock.ts';

export async function unlock(run: Runtime, options: UnlockOptions): Promise<Session> {
  const { device } = run;
  const ttlMs = options.ttlMs ?? DEFAULT_SESSION_MS;
  checkSessionTime(ttlMs);
  await run.requireMember();
  const alone = await device.asMember(async (view) => ({ kek: keptKek(view), epoch: view.state.epoch }));
  if (alone.kek !== undefined) return run.sessionFor(alone.kek, alone.epoch, ttlMs);
  const kits = await run.kits(options.kits);
  const passphrases = run.passphrases(options.passphrase, true);
  const hands = run.hands(run.passphrases(options.passphrase, false));
  const here = () => device.asMember((view) => sharesHere(device, view, kits));
  const enough = (shares: readonly Contribution[]) =>
    device.asMember(async ({ state }) => shares.length >= state.threshold);

  let shares: Contribution[] | undefined = await here().catch((error: unknown) => {
    if (isPassportError(error, 'missing')) return undefined;
    throw error;
  });
  if (shares === undefined || !(await enough(shares))) {
    await run.sync(hands, { signal: options.signal });
    shares = await here();
  }
  if (!(await enough(shares))) {
    const come = await fromOthers(run, options, shares);
    if (come === 'other-epoch') return unlock(run, options);
    shares = come;
  }

  const { state } = await device.asMember(async (view) => view);
  let opened: Awaited<ReturnType<typeof openEpoch>> | undefined;
  for (let tries = 0; opened === undefined; tries++) {
    try {
      opened = await openEpoch(device.pid, state, shares, passphrases);
    } catch (error) {
      if (!isPassportError(error, 'wrong-passphrase') || given(options).given || tries >= 2) throw error;
      run.tell({ event: 'notice', text: 'That is not the passphrase of the passport. Try again.' });
      passphrases.forget();
    }
  }
  for (const id of opened.bad) {
    run.tell({
      event: 'notice',
      text: `The share of "${memberOf(state, id)?.name ?? '?'}" is wrong and was not used.`,
    });
  }
  // Only now: after a wrong passphrase nobody has to approve again.
  const asked = await device.asMember(async (view) => {
    const request = await ownUnlock(view, device.pid);
    if (request !== undefined) await endUnlock(device, view, request);
    return request !== undefined;
  });
  const session = await run.sessionFor(opened.kek, state.epoch, ttlMs);
  await settle(device);
  await device.asMember(async (view) => {
    if (view.state.epoch === state.epoch && holdersOf(view.state).some(({ id }) => equal(id, view.secrets.deviceId))) {
      await acknowledge(device, view);
    }
  });
  if (asked) await run.sync(hands, { signal: options.signal }); // who was not needed hears of it
  return session;
}

/**
 * Asks the other devices and waits; a request that was left before is taken up again. With what came, bad shares too, so that
 * opening names them. `other-epoch`: the mesh got new keys meanwhile, and all shares are void.
 */
async function fromOthers(
  run: Runtime,
  options: UnlockOptions,
  own: Contribution[],
): Promise<Contribution[] | 'other-epoch'> {
  const { device } = run;
  const need = await device.asMember(async ({ state }) => state.threshold);
  const request = await device.asMember(async (view): Promise<UnlockRequest> => {
    const { state, secrets } = view;
    const others = holdersOf(state).filter(({ id, kind }) => kind === 'device' && !equal(id, secrets.deviceId));
    if (own.length + others.length < need) {
      throw new PassportError('not-enough-holders', `${own.length} of the ${need} holders that are needed are here`, {
        hint: 'Type a kit: passport unlock --kit FILE',
        details: { have: own.length, need },
      });
    }
    const before = await ownUnlock(view, device.pid);
    if (before !== undefined && isOpen(device, view, before)) return before;
    if (before !== undefined) await endUnlock(device, view, before);
    return askUnlock(
      device,
      { ...view, secrets: await device.box.read(view.tx) },
      options.purpose ?? '',
      options.ttlMs ?? DEFAULT_SESSION_MS,
    );
  });
  run.tell({ event: 'number', id: hex(request.rid), number: unlockNumber(device.pid, request) });
  run.tell({
    event: 'waiting',
    what: `Approve on ${need - own.length === 1 ? 'another device' : `${need - own.length} other devices`}: passport approve`,
  });
  const hands = run.hands(run.passphrases(undefined, false));
  const come = await run.until(hands, options, () =>
    device.asMember(async (view) => {
      const { state } = view;
      if (state.epoch !== request.epoch) return { others: 'other-epoch' as const };
      const answers = await unlockAnswers(device, view, request);
      const others = answers.shares.filter(({ holder }) => !own.some((mine) => equal(mine.holder, holder)));
      const good = others.filter((share) => fitsCommitment(device.pid, epochOf(state), share)).length;
      const left = request.chosen.length - answers.refusedBy.length - others.length;
      if (own.length + good >= need) return { others };
      if (own.length + good + left >= need) return undefined;
      await endUnlock(device, view, request);
      if (good < others.length) return { others }; // opening says whose share is wrong
      const by = answers.refusedBy.map((id) => memberOf(state, id)?.name ?? '?').join(', ');
      return { others, refused: new PassportError('refused', `refused by ${by}`) };
    }),
  );
  if (come === undefined) {
    throw new PassportError('waiting', 'no other device has approved yet', {
      hint: 'The request stays open for ten minutes: approve it on another device, then `passport unlock` again. Or type a kit: --kit FILE',
    });
  }
  const { others } = come;
  if (others === 'other-epoch') return others;
  if (come.refused !== undefined) throw come.refused;
  return [...own, ...others];
}

/** Whether an unlock that was left can still be answered. */
function isOpen(device: Device, { state, secrets }: MemberView, request: UnlockRequest): boolean {
  const { clock } = device.env;
  const key = oneTime(secrets, request.rid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  return key !== undefined && request.epoch === state.epoch && request.notAfter > clock.now() + 30_000;
}
