/**
 * Certified entries that contradict those which were decided here (a fork, docs/protocol.md, 5), by the hash in their names: a store
 * that shows one of them is forked against this device, until it shows none. Cell `contradictions`: [[slot, hash]…].
 */
import type { Tx } from '../replica/replica.ts';

const MOST_NOTED = 64;

async function noted(tx: Tx): Promise<[number, string][]> {
  return ((await tx.get('contradictions')) ?? []) as [number, string][];
}

/** The caller has checked the entry, its certificate and that another one was decided here. */
export async function noteContradiction(tx: Tx, slot: number, hash: string): Promise<void> {
  const known = await noted(tx);
  if (known.some(([, other]) => other === hash) || known.length >= MOST_NOTED) return;
  tx.set('contradictions', [...known, [slot, hash]]);
}

export async function contradictingHashes(tx: Tx): Promise<ReadonlySet<string>> {
  return new Set((await noted(tx)).map(([, hash]) => hash));
}

/** Which of these paths of a store contradict, in words; one line for each entry, which stores have under two names. */
export async function contradicting(tx: Tx, paths: Iterable<string>): Promise<string[]> {
  const known = await noted(tx);
  if (known.length === 0) return [];
  const slots = new Map(known.map(([slot, hash]) => [hash, slot]));
  const found = new Map<string, string>();
  for (const path of paths) {
    const hash = path.slice(path.lastIndexOf('-') + 1);
    const slot = slots.get(hash);
    if (slot !== undefined && !path.startsWith('grant/'))
      found.set(hash, `another decided entry of slot ${slot}: ${path}`);
  }
  return [...found.values()].sort();
}
