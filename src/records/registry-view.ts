/**
 * What the records need from the registry, the keys and the device: ports, implemented by the ceremonies' side.
 * All ids are bytes: entries and commits 32, devices 16.
 */
import type { Bytes } from '../bytes.ts';
import type { Clock, Random } from '../platform.ts';

/** The decided entries that this device has verified, up to `headSlot`. It only ever grows. */
export interface RegistryView {
  /** Id of the newest entry. */
  readonly head: Bytes;
  readonly headSlot: number;
  /** undefined for an entry that is not known here (yet). */
  slotOf(entryId: Bytes): number | undefined;
  /** The signing key of `deviceId` if it was a device holder after the entry of that slot. */
  deviceKeyAt(deviceId: Bytes, slot: number): Bytes | undefined;
  /** For a device that has left: when, and the commits that are valid with their ancestors; all else by it is quarantined. */
  cutOf(deviceId: Bytes): { readonly slot: number; readonly heads: readonly Bytes[] } | undefined;
  /** While the registry is forked: its new commits are held. */
  suspended(deviceId: Bytes): boolean;
  /** Claimed time of an entry, ms since 1970. */
  timeOf(entryId: Bytes): number | undefined;
  epochAt(slot: number): number;
}

/** The layer keys at hand. A locked device has mesh layer keys only. */
export interface RecordKeys {
  /** The newest epoch: what is written now is sealed for it. */
  readonly epoch: number;
  meshLayerKey(epoch: number): Bytes | undefined;
  vaultLayerKey(epoch: number): Bytes | undefined;
}

export interface RecordContext {
  readonly pid: Bytes;
  /** Own holder id. */
  readonly device: Bytes;
  /** 32 bytes: own Ed25519 seed. */
  readonly signSeed: Bytes;
  readonly registry: RegistryView;
  readonly keys: RecordKeys;
  readonly random: Random;
  readonly clock: Clock;
}

/** The signing key of a device that is or was a holder at any known slot; a device's key never changes. */
export function keyOfDevice(registry: RegistryView, deviceId: Bytes): Bytes | undefined {
  for (let slot = registry.headSlot; slot >= 0; slot--) {
    const key = registry.deviceKeyAt(deviceId, slot);
    if (key !== undefined) return key;
  }
  return undefined;
}
