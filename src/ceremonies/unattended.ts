/**
 * `unlock: device` (docs/decisions/0013-unlock-devices.md): a device that the registry lets open the passport alone keeps KEK_e
 * in its keystore. It keeps what it opened in a session, for the present epoch only, and destroys it when it may no more.
 */
import { type Bytes, equal } from '../bytes.ts';
import type { Device, MemberView } from '../device/device.ts';
import { PassportError } from '../errors.ts';
import { type Member, type RegistryState } from '../registry/state.ts';

const mayOpenAlone = (state: RegistryState, id: Bytes) => state.unlockDevices.some((other) => equal(other, id));

/** KEK of the present epoch (32 bytes), if this device keeps it and still may. */
export function keptKek({ state, secrets }: MemberView): Bytes | undefined {
  const { kept, deviceId } = secrets;
  return kept?.epoch === state.epoch && mayOpenAlone(state, deviceId) ? kept.kek : undefined;
}

/** After whatever changed the registry or the session: what is kept is what may be kept. */
export async function keepKek(device: Device, view: MemberView): Promise<void> {
  const { state, secrets, tx } = view;
  const { session } = device;
  const known = keptKek(view);
  const opened = session?.epoch === state.epoch && mayOpenAlone(state, secrets.deviceId) ? session.kek : undefined;
  const kek = known ?? opened;
  if (kek === secrets.kept?.kek) return;
  await device.box.write(tx, { ...secrets, kept: kek === undefined ? null : { epoch: state.epoch, kek } });
}

/** The list of such devices with one more or less, for a `policy` request. `usage` when it is so already or is a kit. */
export function unattendedAfter(state: RegistryState, { id, kind, name }: Member, on: boolean): readonly Bytes[] {
  if (kind === 'kit') throw new PassportError('usage', `"${name}" is a kit: only a device can open the passport alone`);
  if (mayOpenAlone(state, id) === on)
    throw new PassportError('usage', `"${name}" ${on ? 'may already' : 'may not'} open the passport alone`);
  return on ? [...state.unlockDevices, id] : state.unlockDevices.filter((other) => !equal(other, id));
}
