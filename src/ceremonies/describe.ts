/** The registry in words: what a request or an entry changes, for cards and for `log`. Names come from the registry only. */
import { type Bytes, equal } from '../bytes.ts';
import { deviceWords } from '../crypto/words.ts';
import type { ChangeRequest } from '../format/entry.ts';
import { holdersAfter, holdersOf, memberOf, type RegistryState } from '../registry/state.ts';
import type { Card } from '../types.ts';

export function nameOf(state: RegistryState, id: Bytes): string {
  return memberOf(state, id)?.name ?? 'a new device';
}

const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

const without = (ids: readonly Bytes[], others: readonly Bytes[]) =>
  ids.filter((id) => !others.some((other) => equal(other, id)));

/** One sentence. `state` is the one before the change. */
export function summary(state: RegistryState, request: ChangeRequest): string {
  const enters = request.enters.map((holder) => holder.name);
  const leaves = request.leaves.map((id) => nameOf(state, id));
  const after = holdersAfter(state, request).length;
  const policy = `${request.threshold} of ${after}`;
  switch (request.kind) {
    case 'found':
      return 'The passport was founded';
    case 'passphrase':
      return 'The passphrase is changed';
    case 'rotate':
      return 'New keys for all holders';
    case 'policy':
      return [
        ...request.names.map(({ id, name }) => `"${nameOf(state, id)}" is called "${name}"`),
        ...without(request.unlockDevices, state.unlockDevices).map(
          (id) => `"${nameOf(state, id)}" may open the passport alone`,
        ),
        ...without(state.unlockDevices, request.unlockDevices).map(
          (id) => `"${nameOf(state, id)}" may not open the passport alone any more`,
        ),
      ].join('; ');
    case 'holders':
      if (enters.length > 0 && leaves.length > 0) return `${list(enters)} in the place of ${list(leaves)}; ${policy}`;
      if (enters.length > 0) return `${list(enters)} comes in; ${policy}`;
      if (leaves.length > 0) return `${list(leaves)} leaves; ${policy}`;
      if (request.threshold === state.threshold) return `New shares for the same holders; ${policy}`;
      return `The threshold is ${policy} instead of ${state.threshold} of ${holdersOf(state).length}`;
  }
}

/** What an approver sees: the change, what it does to the person's other devices, and what the approval itself opens. */
export function changeCard(pid: Bytes, state: RegistryState, request: ChangeRequest): Card {
  const from = memberOf(state, request.initiator.id)?.name ?? request.enters[0]?.name ?? 'a new device';
  const after = holdersAfter(state, request);
  const warnings: string[] = [];
  for (const id of request.leaves) {
    const member = memberOf(state, id);
    const what =
      member?.kind === 'kit' ? 'this kit opens nothing any more' : 'it can read nothing that is written afterwards';
    warnings.push(`"${nameOf(state, id)}" leaves: ${what}`);
  }
  for (const id of request.kind === 'policy' ? without(request.unlockDevices, state.unlockDevices) : [])
    warnings.push(`Whoever holds "${nameOf(state, id)}" will read all records, without any approval or passphrase`);
  if (request.threshold < state.threshold)
    warnings.push(`${request.threshold} holders will open everything, older records too`);
  if (after.length === request.threshold) warnings.push('No holder may be lost any more: all of them will be needed');
  warnings.push(`Approving also opens the vault on "${from}"`);
  const lines = [
    `Asked by "${from}"`,
    `Holders after: ${after.map((holder) => holder.name).join(', ')}; ${request.threshold} are needed`,
  ];
  for (const holder of request.enters) {
    if (holder.kind === 'device')
      lines.push(
        `"${holder.name}" shows these words: ${deviceWords(pid, holder.signKey, holder.receiveKey).join(' ')}`,
      );
  }
  const lose = after.length - request.threshold;
  lines.push(`You can then lose ${lose === 0 ? 'none' : `${lose} more`} and still open and change`);
  return { title: summary(state, request), lines, warnings };
}

export function unlockCard(state: RegistryState, initiator: Bytes, purpose: string, ttlMs: number): Card {
  const name = nameOf(state, initiator);
  const hours = Math.round(ttlMs / 360_000) / 10;
  return {
    title: `"${name}" asks to unlock the passport`,
    lines: [`For ${hours} hours${purpose === '' ? '' : `: ${purpose}`}`],
    warnings: [`Approve only if you are at "${name}" now: it will read all records`],
  };
}
