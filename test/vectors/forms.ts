/** Every way in which bytes are not the one CBOR array of some fields: what a table of docs/protocol.md refuses as `parse`. */
import { type Bytes, concat } from '../../src/bytes.ts';
import { encode, type Value } from '../../src/cbor.ts';

export type Broken = readonly [name: string, bytes: Bytes, why: string];

const isBytes = (value: Value): value is Bytes => value instanceof Uint8Array;

/** A value of another type. */
function otherType(value: Value): Value {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (isBytes(value)) return 'x'.repeat(value.length);
  return 7;
}

/** A list that stands inside of another: missing and surplus fields, other types, other lengths. */
export function brokenValues(
  fields: readonly Value[],
  names: readonly string[],
  fixed: readonly string[] = [],
): (readonly [name: string, value: Value, why: string])[] {
  const broken: [string, Value, string][] = [
    ['null', null, 'null in place of the array'],
    ['none', [], 'an empty array'],
    ['missing', fields.slice(0, -1), 'the last field is missing'],
    ['more', [...fields, null], 'a field is too many'],
    ['wrapped', [fields], 'the array stands in an array'],
  ];
  for (const [i, name] of names.entries()) {
    const value = fields[i] as Value;
    const put = (other: Value) => fields.map((each, at) => (at === i ? other : each));
    broken.push([`type-${slug(name)}`, put(otherType(value)), `${name}: another type`]);
    if (!fixed.includes(name) || !isBytes(value)) continue;
    broken.push([`short-${slug(name)}`, put(value.slice(1)), `${name}: ${value.length - 1} bytes`]);
    broken.push([`longer-${slug(name)}`, put(concat(value, Uint8Array.of(0))), `${name}: ${value.length + 1} bytes`]);
  }
  return broken;
}

/** `names`: of the fields, for people; `fixed`: those whose byte strings have one length. */
export function brokenForms(
  fields: readonly Value[],
  names: readonly string[],
  fixed: readonly string[] = [],
): Broken[] {
  const whole = encode(fields);
  const [, , ...values] = brokenValues(fields, names, fixed);
  return [
    ['empty', new Uint8Array(0), 'nothing'],
    ['cut', whole.slice(0, -1), 'the last byte is missing'],
    ['trailing', concat(whole, Uint8Array.of(0xf6)), 'a byte follows'],
    ['long-head', concat(Uint8Array.of(0x98, fields.length), whole.slice(1)), 'the count of the array in two bytes'],
    ['indefinite', concat(Uint8Array.of(0x9f), whole.slice(1), Uint8Array.of(0xff)), 'an array of indefinite length'],
    ['map', concat(Uint8Array.of(0xa0), whole), 'a map in front'],
    ['tagged', concat(Uint8Array.of(0xc1), whole), 'a tag in front'],
    ...values.map(([name, value, why]): Broken => [name, encode(value), why]),
  ];
}

const slug = (name: string) => name.replaceAll(' ', '-').toLowerCase();
