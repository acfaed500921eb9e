/** Checks of kits as the journal keeps them: signed by the kit, so that other devices can believe them too. */
import { type Bytes, equal } from '../bytes.ts';
import type { Tx } from '../replica/replica.ts';

/** When each kit last proved, here or on another device, that it works in the present epoch. */
export async function kitChecks(
  tx: Tx,
): Promise<readonly { kit: Bytes; slot: number; epoch: number; time: number; signature: Bytes }[]> {
  const value = ((await tx.get('kit-checks')) ?? []) as [Bytes, number, number, number, Bytes][];
  return value.map(([kit, slot, epoch, time, signature]) => ({ kit, slot, epoch, time, signature }));
}

export async function noteKitCheck(
  tx: Tx,
  check: { kit: Bytes; slot: number; epoch: number; time: number; signature: Bytes },
): Promise<void> {
  const others = (await kitChecks(tx)).filter(({ kit, time }) => !equal(kit, check.kit) || time > check.time);
  if (others.some(({ kit }) => equal(kit, check.kit))) return;
  tx.set(
    'kit-checks',
    [...others, check].map(({ kit, slot, epoch, time, signature }) => [kit, slot, epoch, time, signature]),
  );
}
