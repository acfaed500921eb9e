/** The links between epochs (docs/protocol.md, 3 and 4): from the keys of one epoch to those of the epoch before. */
import type { Bytes } from '../bytes.ts';
import { kekLinkKey, meshLinkKey } from '../crypto/keys.ts';
import { openObject } from '../crypto/object.ts';

/** The mesh key of the epoch before (32 bytes), from the link of the entry in `slot` that starts `epoch`. `decryption-failed`. */
export function openMeshLink(
  pid: Bytes,
  { slot, epoch }: { readonly slot: number; readonly epoch: number },
  meshKey: Bytes,
  link: Bytes,
): Promise<Bytes> {
  const key = meshLinkKey(pid, epoch, meshKey);
  return openObject({ layer: 'meshLink', epoch, key, pid, kind: 'mesh-link', owner: pid, sequence: slot }, link);
}

/** The KEK of the epoch before (32 bytes), from the link in the entry that starts `epoch`. `decryption-failed`. */
export function openKekLink(pid: Bytes, epoch: number, kek: Bytes, link: Bytes): Promise<Bytes> {
  const key = kekLinkKey(pid, epoch, kek);
  return openObject({ layer: 'kekLink', epoch, key, pid, kind: 'kek-link', owner: pid, sequence: epoch }, link);
}
