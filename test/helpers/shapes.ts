/** Every small change of a CBOR value: a field longer, shorter, of another type, missing, or one too many. */
import type { Bytes } from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { isPassportError } from '../../src/errors.ts';

const isBytes = (value: Value): value is Bytes => value instanceof Uint8Array;

export function* neighbours(value: Value): Generator<Value> {
  for (const other of [null, true, 7, 'x', new Uint8Array(3), []] as Value[]) {
    if (typeof other !== typeof value || other === null || Array.isArray(other) !== Array.isArray(value)) yield other;
  }
  if (isBytes(value)) {
    yield value.slice(1);
    yield new Uint8Array([...value, 0]);
  } else if (Array.isArray(value)) {
    yield value.slice(0, -1) as Value;
    yield [...(value as Value[]), null];
    yield [...(value as Value[]), ...(value as Value[]).slice(-1)];
    for (const [i, part] of (value as Value[]).entries()) {
      for (const other of neighbours(part)) yield (value as Value[]).map((each, at) => (at === i ? other : each));
    }
  } else if (typeof value === 'number') {
    yield value + 1;
    yield Number.MAX_SAFE_INTEGER;
  } else if (typeof value === 'string') {
    yield `${value}x`;
    yield '';
    yield 'x'.repeat(100_000);
  }
}

/**
 * How a parser takes every neighbour of these bytes: it must refuse as `malformed`, or give back exactly what it read. Returns
 * how many were refused and how many accepted, and what went wrong.
 */
export function shapeReport<T>(
  bytes: Bytes,
  parse: (bytes: Bytes) => T,
  write: (value: T) => Bytes,
): { refused: number; accepted: number; wrong: string[] } {
  const report = { refused: 0, accepted: 0, wrong: [] as string[] };
  for (const other of neighbours(decode(bytes))) {
    const encoded = encode(other);
    try {
      const again = write(parse(encoded));
      report.accepted += 1;
      if (Buffer.compare(again, encoded) !== 0) report.wrong.push('accepted and changed');
    } catch (error) {
      report.refused += 1;
      if (!isPassportError(error, 'malformed')) report.wrong.push(String(error));
    }
  }
  return report;
}
