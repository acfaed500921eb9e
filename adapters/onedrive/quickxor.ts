/**
 * QuickXorHash, the one hash that every OneDrive tells: each byte is xored into 160 bits, 11 bits further than the one before,
 * and the length is xored into the last 8 bytes. Against damage on the way, not against anybody.
 * https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash
 */
const BITS = 160;
const SHIFT = 11;

/** 20 bytes in base64, as Graph writes it. */
export function quickXorHash(bytes: Uint8Array): string {
  // Bytes that are 160 apart meet at the same bits: first xor them together.
  const columns = new Uint8Array(BITS);
  for (let i = 0; i < bytes.length; i++) columns[i % BITS] = (columns[i % BITS] as number) ^ (bytes[i] as number);
  const hash = new Uint8Array(BITS / 8);
  for (const [i, column] of columns.entries()) {
    const at = (i * SHIFT) % BITS;
    const [byte, bit] = [at >> 3, at & 7];
    const next = (byte + 1) % hash.length;
    hash[byte] = (hash[byte] as number) ^ (column << bit);
    hash[next] = (hash[next] as number) ^ (column >> (8 - bit));
  }
  let length = bytes.length;
  for (let i = 12; length > 0; i++, length = Math.floor(length / 256)) hash[i] = (hash[i] as number) ^ (length % 256);
  return btoa(String.fromCharCode(...hash));
}
