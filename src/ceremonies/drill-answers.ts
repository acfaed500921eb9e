/**
 * The answering side of a drill, and what comes back: every sync answers the challenges that came, locked or not, after this
 * device opened its share and checked it against the entry.
 */
import * as z from 'zod/mini';

import { type Bytes, equal } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import type { Device, MemberView } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import { bytes16, bytes32, decodeShaped, list, signature, uint } from '../format/schema.ts';
import { epochOf, holderOf } from '../registry/state.ts';
import { contribution, deviceOpener } from './grants.ts';
import { kitChecks, noteKitCheck } from './kit-checks.ts';
import { finishMail, sendMail, unread } from './mail.ts';

const challengeSchema = z.tuple([bytes32]);
const answerSchema = z.tuple([
  bytes32,
  uint(),
  uint(),
  signature,
  list(z.tuple([bytes16, uint(), uint(), uint(), signature]), 32),
]);

export interface DrillAnswer {
  readonly holder: Bytes;
  readonly slot: number;
  readonly time: number;
}

export async function drillAnswers(tx: MemberView['tx']): Promise<readonly DrillAnswer[]> {
  const value = ((await tx.get('drill')) ?? []) as [Bytes, number, number][];
  return value.map(([holder, slot, time]) => ({ holder, slot, time }));
}

export async function noteAnswer(tx: MemberView['tx'], answer: DrillAnswer): Promise<void> {
  const others = (await drillAnswers(tx)).filter(({ holder }) => !equal(holder, answer.holder));
  tx.set(
    'drill',
    [...others, answer].map(({ holder, slot, time }) => [holder, slot, time]),
  );
}

/** Answers the challenges that came, and takes the answers to this device's own. Returns whether something was said. */
export async function drillDue(device: Device, view: MemberView): Promise<boolean> {
  const { state, secrets, tx } = view;
  let said = false;
  for (const mail of await unread(tx)) {
    if (mail.kind !== 'drill' && mail.kind !== 'drill-answer') continue;
    await finishMail(tx, mail);
    const other = holderOf(state, mail.sender);
    if (other === undefined) continue;
    try {
      if (mail.kind === 'drill') {
        const [challenge] = decodeShaped(challengeSchema, mail.body, 'a drill');
        await contribution(device, view, deviceOpener(view));
        const { slot, epoch } = epochOf(state);
        const signed = signStatement(secrets.signSeed, device.pid, 'drill', slot, epoch, secrets.deviceId, challenge);
        const checks = (await kitChecks(tx)).map(({ kit, slot: s, epoch: e, time, signature: sig }) => [
          kit,
          s,
          e,
          time,
          sig,
        ]);
        await sendMail(device, view, other, {
          kind: 'drill-answer',
          id: mail.id,
          body: encode([challenge, slot, epoch, signed, checks]),
        });
        said = true;
      } else {
        await takeAnswer(device, view, other, mail.body);
      }
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return said;
}

async function takeAnswer(
  device: Device,
  view: MemberView,
  other: { id: Bytes; signKey: Bytes },
  body: Bytes,
): Promise<void> {
  const { state, tx } = view;
  const [challenge, slot, epoch, signed, checks] = decodeShaped(answerSchema, body, 'a drill answer');
  const open = (await tx.get('drill-challenge')) as Bytes | undefined;
  const good =
    open !== undefined &&
    equal(open, challenge) &&
    slot === epochOf(state).slot &&
    verifyStatement(other.signKey, signed, device.pid, 'drill', slot, epoch, other.id, challenge);
  if (!good) return; // V196
  await noteAnswer(tx, { holder: other.id, slot, time: Math.max(0, device.env.clock.now()) });
  for (const [kit, s, e, time, sig] of checks) {
    const member = holderOf(state, kit);
    if (member?.kind !== 'kit' || !verifyStatement(member.signKey, sig, device.pid, 'kit-check', s, e, time)) continue; // V197
    await noteKitCheck(tx, { kit, slot: s, epoch: e, time, signature: sig });
  }
}
