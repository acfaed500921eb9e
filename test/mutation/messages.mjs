/**
 * A Stryker plugin: leaves out what only people read. Tests assert codes and `details`, never the words of a message, so a
 * mutant of a message says nothing about them. What has a meaning is mutated: codes, labels, kinds, names of details.
 */

/** Which argument of a constructor or function is a message. */
const MESSAGES = new Map([
  ['PassportError', 1],
  ['TypeError', 0],
  ['RangeError', 0],
  ['malformed', 0],
  ['unsupported', 0],
  ['dealerFault', 0],
  ['failed', 0],
  ['fault', 0],
  ['invalid', 0],
  ['custom', 1],
  ['shaped', 2],
  ['decodeShaped', 2],
]);

/** The parts of Babel's syntax tree that are looked at. */
/** @typedef {{ type: string, name?: string, key?: Node, callee?: Node, property?: Node, properties?: Node[] }} Node */

/** @param {Node | undefined} callee */
const nameOf = (callee) => callee?.name ?? callee?.property?.name ?? '';

/** @param {Node} property */
const isHint = (property) => property.type === 'ObjectProperty' && property.key?.name === 'hint';

/** @param {{ listKey?: string, key: string | number | null, parent: Node | null, node: Node }} path */
function shouldIgnore({ listKey, key, parent, node }) {
  const called = parent?.type === 'NewExpression' || parent?.type === 'CallExpression';
  if (called && listKey === 'arguments' && MESSAGES.get(nameOf(parent.callee)) === key) return 'the words of a message';
  if (node.type === 'ObjectExpression' && node.properties?.length && node.properties.every(isHint))
    return 'only a hint';
  return key === 'value' && parent !== null && isHint(parent) ? 'the words of a hint' : undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'messages', value: { shouldIgnore } }];
