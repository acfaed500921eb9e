/** Operations on names in a store (docs/protocol.md, 4). */
import { nameKey } from '../../../src/crypto/keys.ts';
import { nameHash, pairTag, parseName, storeRoot, tag } from '../../../src/format/names.ts';
import { type Input, type Operation, refuse } from '../schema.ts';

function parse(input: Input) {
  const name = parseName(input.text('name'));
  return name === undefined ? refuse('parse') : { ...name };
}

/** A name and the bytes under it. */
function check(input: Input) {
  const name = parseName(input.text('name'));
  if (name === undefined) return refuse('parse');
  return name.hash === nameHash(input.bytes('object')) ? { kind: name.kind } : refuse('context');
}

function holderTag(input: Input) {
  const key = nameKey(input.bytes('pid'), input.bytes('nameRoot'), input.bytes('storeId'));
  return { tag: tag(key, input.text('kind') as 'chain' | 'holder', input.bytes('id')) };
}

export const names: Record<string, Operation> = {
  'name-parse': parse,
  'name-check': check,
  'name-hash': (input) => ({ hash: nameHash(input.bytes('object')) }),
  'name-tag': holderTag,
  'pair-tag': (input) => ({ tag: pairTag(input.bytes('secret'), input.number('step') as 1 | 2 | 3 | 4) }),
  'store-root': (input) => ({ root: storeRoot(input.bytes('storeId')) }),
};
