/**
 * The drill: shows that N holders could open the passport today, without opening it. Each device opens its share, checks it
 * against the entry and signs a fresh challenge that it did; kits count by the date of their last check.
 */
import { equal } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { epochOf, holdersOf } from '../registry/state.ts';
import type { DrillReport, Waiting } from '../types.ts';
import { drillAnswers, noteAnswer } from './drill-answers.ts';
import { contribution, deviceOpener } from './grants.ts';
import { kitChecks } from './kit-checks.ts';
import { sendMail } from './mail.ts';
import type { Runtime } from './runtime.ts';

/** An answer older than this is worth asking for again; so is a kit that nobody looked at for so long. */
const OLD_MS = 90 * 24 * 60 * 60 * 1000;

export async function drill(run: Runtime, options: Waiting): Promise<DrillReport> {
  const { device } = run;
  await run.requireActive();
  const hands = run.hands(run.passphrases(undefined, false));
  await run.sync(hands, { signal: options.signal });
  const asked = await device.asMember(async (view) => {
    const { state, secrets, tx } = view;
    const challenge = device.bytes(32);
    tx.set('drill-challenge', challenge);
    await contribution(device, view, deviceOpener(view));
    await noteAnswer(tx, {
      holder: secrets.deviceId,
      slot: epochOf(state).slot,
      time: Math.max(0, device.env.clock.now()),
    });
    const others = holdersOf(state).filter(({ id, kind }) => kind === 'device' && !equal(id, secrets.deviceId));
    for (const other of others)
      await sendMail(device, view, other, { kind: 'drill', id: device.bytes(16), body: encode([challenge]) });
    return { others: others.map(({ id }) => id), since: device.env.clock.now() };
  });
  await run.until(hands, options, () =>
    device.asMember(async ({ tx }) => {
      const come = await drillAnswers(tx);
      return asked.others.every((id) => come.some(({ holder, time }) => equal(holder, id) && time >= asked.since))
        ? true
        : undefined;
    }),
  );
  return device.asMember(async ({ state, tx }) => {
    const come = await drillAnswers(tx);
    const checks = await kitChecks(tx);
    const { slot } = epochOf(state);
    const now = device.env.clock.now();
    const holders = holdersOf(state).map((holder) => {
      const proof =
        holder.kind === 'kit'
          ? checks.find(({ kit, slot: at }) => equal(kit, holder.id) && at === slot)
          : come.find(({ holder: by, slot: at }) => equal(by, holder.id) && at === slot);
      const age = proof === undefined ? undefined : now - proof.time;
      const standing =
        age === undefined ? ('missing' as const) : age > OLD_MS ? ('old' as const) : ('answered' as const);
      const base = { name: holder.name, kind: holder.kind, state: standing };
      return proof === undefined ? base : { ...base, time: proof.time };
    });
    const ok = holders.filter((holder) => holder.state === 'answered').length >= state.threshold;
    return { ok, threshold: state.threshold, holders };
  });
}
