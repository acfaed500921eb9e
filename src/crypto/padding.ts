/**
 * Padding that hides lengths (docs/protocol.md, 4): `length u64 ‖ data ‖ zeros` up to max(1024, padme(8 + length)).
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019, section 4)
 * costs at most 12 % and leaks O(log log length) bits of the length. There is exactly one padded form of some data.
 */
import type { Bytes } from '../bytes.ts';
import { decryptionFailed } from '../errors.ts';

const LENGTH_BYTES = 8;
const SMALLEST = 1024;

export function pad(data: Bytes): Bytes {
  const padded = new Uint8Array(paddedLength(data.length));
  const view = new DataView(padded.buffer);
  view.setUint32(0, Math.floor(data.length / 2 ** 32));
  view.setUint32(4, data.length % 2 ** 32);
  padded.set(data, LENGTH_BYTES);
  return padded;
}

/** A view of the data inside `padded`; `decryption-failed` unless `pad` made it. */
export function unpad(padded: Bytes): Bytes {
  if (padded.length < SMALLEST) throw decryptionFailed(); // V41
  const view = new DataView(padded.buffer, padded.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  if (length > padded.length - LENGTH_BYTES || padded.length !== paddedLength(length)) throw decryptionFailed(); // V42
  const end = LENGTH_BYTES + length;
  for (let i = end; i < padded.length; i++) if (padded[i] !== 0) throw decryptionFailed(); // V43
  return padded.subarray(LENGTH_BYTES, end);
}

/** Length after Padmé: with E = floor(log2 L) and S = floor(log2 E) + 1, L is rounded up to a multiple of 2^(E-S). */
export function padme(length: number): number {
  if (length < 2) return length;
  const e = floorLog2(length);
  const s = floorLog2(e) + 1;
  const unit = 2 ** (e - s);
  return Math.ceil(length / unit) * unit;
}

function paddedLength(length: number): number {
  return Math.max(SMALLEST, padme(LENGTH_BYTES + length));
}

/** Of an integer 1 .. 2^53-1; exact, which Math.log2 is not. */
function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n);
}
