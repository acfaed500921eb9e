/** Reads stdin to its end, but no more than is wanted. */
import type { Bytes } from '../bytes.ts';
import { concat } from '../bytes.ts';

/** Undefined when there are more than `limit` bytes. */
export async function readInput(input: AsyncIterable<Uint8Array>, limit: number): Promise<Bytes | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return concat(...chunks);
}
