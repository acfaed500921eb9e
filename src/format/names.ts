/**
 * Names of objects in a store (docs/protocol.md, 4). Lower-case base32hex sorts like its bytes. Every name ends in the hash
 * of the stored bytes: two writers never want one name, a second put changes nothing, and damage shows without a key.
 * Holders and chains stand in it as tags under the store's name key. Any name that `parseName` does not know is ignored.
 */
import { base32, type Bytes, bytesUint, fromBase32, uintBytes, utf8 } from '../bytes.ts';
import { hmac, sha256 } from '../crypto/hash.ts';

const TAG_BYTES = 10;
const HASH_BYTES = 16;
const NUMBER_BYTES = 5;
const MOST_COMMITS = 64;

/** `store` is the store id in base32hex (16 characters), as are tags; `hash` has 26 characters. */
export type Name =
  | { kind: 'bundle'; store: string; chain: string; first: number; last: number; hash: string }
  | { kind: 'registry'; store: string; slot: number; hash: string; hot: boolean }
  | { kind: 'vote'; store: string; holder: string; slot: number; hash: string }
  | { kind: 'mail'; store: string; holder: string; hash: string }
  | { kind: 'grant'; store: string; epoch: number; holder: string; hash: string };

/** `p/<id>`, of the 10 bytes of a store id. */
export function storeRoot(storeId: Bytes): string {
  if (storeId.length !== TAG_BYTES) throw new TypeError(`store id: expected 10 bytes, got ${storeId.length}`);
  return `p/${base32(storeId)}`;
}

/** The end of the name of an object with these bytes: 26 characters. */
export function nameHash(bytes: Bytes): string {
  return shortHash(sha256(bytes));
}

/** The same of a SHA-256 (32 bytes) that is known. */
export function shortHash(digest: Bytes): string {
  return base32(digest.subarray(0, HASH_BYTES));
}

/** Of a chain id or a holder id (16 bytes) in the store of this name key: 16 characters. */
export function tag(nameKey: Bytes, kind: 'chain' | 'holder', id: Bytes): string {
  return base32(hmac(nameKey, utf8(kind), id).subarray(0, TAG_BYTES));
}

/** Of message 1..4 of a pairing with the invitation's secret `k` (32 bytes): stands where a mail has its holder. */
export function pairTag(k: Bytes, step: 1 | 2 | 3 | 4): string {
  return base32(hmac(k, utf8(`pair-${step}`)).subarray(0, TAG_BYTES));
}

/** The parts of a name that `formatName` could have made, else undefined. Nothing is known yet of the object. */
export function parseName(name: string): Name | undefined {
  for (const { kind, form } of FORMS) {
    const parts = form.exec(name)?.groups as Parts | undefined;
    if (parts === undefined) continue;
    const { store, chain, holder, hash } = parts;
    if (kind === 'bundle') {
      const [first, last] = [value(parts.first), value(parts.last)];
      if (first < 1 || last < first || last - first >= MOST_COMMITS) return undefined; // V17
      return { kind, store, chain, first, last, hash };
    }
    if (kind === 'registry') return { kind, store, slot: value(parts.slot), hash, hot: name.includes('/hot/') };
    if (kind === 'vote') return { kind, store, holder, slot: value(parts.slot), hash };
    if (kind === 'mail') return { kind, store, holder, hash };
    return { kind, store, epoch: value(parts.epoch), holder, hash };
  }
  return undefined;
}

/** The groups of all forms; a match holds those of its own. */
type Parts = Record<'store' | 'chain' | 'first' | 'last' | 'slot' | 'epoch' | 'holder' | 'hash', string>;

const TAG = '[0-9a-v]{16}';
const NUMBER = '[0-9a-v]{8}';
/** 26 characters hold 130 bits, of which the last two are 0. */
const HASH = '(?<hash>[0-9a-v]{25}[048cgkos])';

const FORMS = [
  form('bundle', `hot/c-(?<chain>${TAG})-(?<first>${NUMBER})-(?<last>${NUMBER})`),
  form('registry', `(?:hot/r-|reg/)(?<slot>${NUMBER})`),
  form('vote', `hot/v-(?<holder>${TAG})-(?<slot>${NUMBER})`),
  form('mail', `hot/m-(?<holder>${TAG})`),
  form('grant', `grant/(?<epoch>${NUMBER})-(?<holder>${TAG})`),
];

function form(kind: Name['kind'], rest: string): { kind: Name['kind']; form: RegExp } {
  return { kind, form: new RegExp(`^p/(?<store>${TAG})/${rest}-${HASH}$`) };
}

function number(n: number): string {
  return base32(uintBytes(n, NUMBER_BYTES));
}

function value(text: string): number {
  return bytesUint(fromBase32(text));
}

/** The name that `parseName` would have read so. */
export function formatName(name: Name): string {
  const root = `p/${name.store}`;
  switch (name.kind) {
    case 'bundle':
      return `${root}/hot/c-${name.chain}-${number(name.first)}-${number(name.last)}-${name.hash}`;
    case 'registry':
      return `${root}/${name.hot ? 'hot/r-' : 'reg/'}${number(name.slot)}-${name.hash}`;
    case 'vote':
      return `${root}/hot/v-${name.holder}-${number(name.slot)}-${name.hash}`;
    case 'mail':
      return `${root}/hot/m-${name.holder}-${name.hash}`;
    case 'grant':
      return `${root}/grant/${number(name.epoch)}-${name.holder}-${name.hash}`;
  }
}
