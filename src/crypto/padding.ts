/**
 * Padding that hides lengths (docs/protocol.md, 4): `length u64 ‖ data ‖ zeros` up to max(1024, padme(8 + length)).
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019, section 4)
 * costs at most 12 % and leaks O(log log length) bits of the length. There is exactly one padded form of some data.
 */
import { type Bytes, lengthOf, uintBytes, wipe } from '../bytes.ts';
import { decryptionFailed } from '../errors.ts';

const LENGTH_BYTES = 8;
const SMALLEST = 1024;

export function pad(data: Bytes): Bytes {
  const padded = new Uint8Array(paddedLength(data.length));
  padded.set(uintBytes(data.length, LENGTH_BYTES));
  padded.set(data, LENGTH_BYTES);
  return padded;
}

/**
 * The padded form of all pieces one after the other, in chunks of `size` bytes and a last one that may be shorter. Each is a view
 * of one buffer that the next overwrites and the end wipes: megabytes are not copied only to be padded.
 */
export function* paddedChunks(pieces: readonly Bytes[], size: number): Generator<Bytes, void, undefined> {
  const length = lengthOf(pieces);
  let left = paddedLength(length);
  const chunk = new Uint8Array(Math.min(size, left));
  let filled = 0;
  try {
    for (const piece of [uintBytes(length, LENGTH_BYTES), ...pieces]) {
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + chunk.length - filled);
        chunk.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < chunk.length) continue;
        yield chunk;
        left -= filled;
        filled = 0;
      }
    }
    while (left > 0) {
      const end = Math.min(chunk.length, left);
      yield chunk.fill(0, filled, end).subarray(0, end);
      left -= end;
      filled = 0;
    }
  } finally {
    wipe(chunk);
  }
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

/** Of data of so many bytes. */
export function paddedLength(length: number): number {
  return Math.max(SMALLEST, padme(LENGTH_BYTES + length));
}

/** Of an integer 1 .. 2^53-1; exact, which Math.log2 is not. */
function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n);
}
