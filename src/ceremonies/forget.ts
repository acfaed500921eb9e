/**
 * Makes a home empty again whose device was never let in: a joining that came to nothing, a recovery that the mesh went on
 * without. Its keys are destroyed, and the objects that it mirrored go too, so that the next device here takes them anew.
 */
import { type Bytes, fromUtf8 } from '../bytes.ts';
import type { Device } from '../device/device.ts';
import { bundleObjects } from '../records/objects.ts';
import { registryObjects } from './decide.ts';
import { grantsOf } from './grants.ts';
import { outgoing } from './mail.ts';
import { votesOf } from './slot.ts';

export async function forgetHome(device: Device): Promise<void> {
  const last = await device.replica.transact(async (tx) => {
    const registry = (await registryObjects(tx)).map(([, hash]) => ({ hash }));
    const rest = [await bundleObjects(tx), await grantsOf(tx), await votesOf(tx), await outgoing(tx)].flat();
    for (const { hash } of [...registry, ...rest]) tx.dropObject(hash);
    tx.delete('joining');
    tx.setNote('passport', null);
    return Number.parseInt(fromUtf8((await tx.note('keystore')) as Bytes), 10);
  });
  // The note stays, so that the blobs of the next device here are counted on from this one's, and none of them goes with these.
  await device.env.keystore.prune(`${last}-none`);
}
