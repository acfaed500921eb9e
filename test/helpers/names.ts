/** Names from their parts and the object's bytes, as tests write them. */
import type { Bytes } from '../../src/bytes.ts';
import { formatName, nameHash } from '../../src/format/names.ts';

const store = (root: string) => root.slice('p/'.length);

export function bundleName(root: string, chain: string, first: number, last: number, bytes: Bytes): string {
  return formatName({ kind: 'bundle', store: store(root), chain, first, last, hash: nameHash(bytes) });
}

export function registryName(root: string, slot: number, bytes: Bytes, hot: boolean): string {
  return formatName({ kind: 'registry', store: store(root), slot, hash: nameHash(bytes), hot });
}

export function voteName(root: string, holder: string, slot: number, bytes: Bytes): string {
  return formatName({ kind: 'vote', store: store(root), holder, slot, hash: nameHash(bytes) });
}

/** `holder` is a holder's tag or a pairing's. */
export function mailName(root: string, holder: string, bytes: Bytes): string {
  return formatName({ kind: 'mail', store: store(root), holder, hash: nameHash(bytes) });
}

export function grantName(root: string, epoch: number, holder: string, bytes: Bytes): string {
  return formatName({ kind: 'grant', store: store(root), epoch, holder, hash: nameHash(bytes) });
}
