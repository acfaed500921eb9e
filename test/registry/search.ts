/** Explicit-state search over the model, breadth first: the first violation has a shortest trace. */
import type { Last } from '../../src/registry/vote.ts';
import { createWorld, lastText, type Fork, type Model, type State } from './model.ts';

export interface Search {
  /** Also finish, from every state, with every quorum alone. */
  readonly liveness?: boolean;
  /** Receives each fork, instead of the search ending at the first. The search ends when it has seen `maxForks`. */
  readonly onFork?: (fork: Fork) => void;
  readonly maxForks?: number;
}

export interface Result {
  readonly states: number;
  readonly forks: number;
  readonly violation: string | undefined;
  /** The shortest way to the violation; empty without one. */
  readonly trace: string[];
}

export function search(model: Model, options: Search = {}): Result {
  const world = createWorld(model);
  // Each class of states with the number of the one it was reached from, in the order of their own numbers.
  const seen = new Map<string, number>([[world.key(world.initial), -1]]);
  let layer: [State, number][] = [[world.initial, 0]];
  let forks = 0;
  while (layer.length > 0) {
    const next: [State, number][] = [];
    for (const [state, number] of layer) {
      const decided = world.decided(state);
      if (decided.length > 1) {
        forks++;
        if (options.onFork === undefined) return failed(`a fork: ${decided.map(lastText).join(' and ')}`, number);
        options.onFork(world.fork(state, decided[0] as Last, decided[1] as Last));
        if (forks === options.maxForks) return { states: seen.size, forks, violation: undefined, trace: [] };
        continue;
      }
      const stuck = options.liveness === true ? world.stuck(state, decided[0]?.entry) : undefined;
      if (stuck !== undefined) return failed(stuck, number);
      for (const step of world.steps(state)) {
        const key = world.key(step.state);
        if (seen.has(key)) continue;
        next.push([step.state, seen.size]);
        seen.set(key, number);
      }
    }
    layer = next;
  }
  return { states: seen.size, forks, violation: undefined, trace: [] };

  /** Walks the way again from the start, so that one holder keeps one name: `seen` knows only classes of states. */
  function failed(violation: string, number: number): Result {
    const found = [...seen];
    const path: string[] = [];
    for (let at = number; at > 0;) {
      const [key, from] = found[at] as [string, number];
      path.unshift(key);
      at = from;
    }
    const trace: string[] = [];
    let state = world.initial;
    for (const key of path) {
      const step = world.steps(state).find((candidate) => world.key(candidate.state) === key);
      if (step === undefined) throw new Error('the trace cannot be walked again');
      trace.push(step.text());
      state = step.state;
    }
    return { states: seen.size, forks, violation, trace };
  }
}
