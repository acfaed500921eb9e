/** What runs in the browser's page: the core and nothing of Node. all.ts bundles it, serves it, and calls `ask` in it. */
import { type Answers, answers } from './answers.ts';
import type { VectorFile } from './vector.ts';
import { keepOneSecret, type Vault } from './vault.ts';

export interface PageSays {
  readonly answers: Answers;
  readonly vault: Vault;
}

async function ask(files: readonly VectorFile[]): Promise<PageSays> {
  return { answers: await answers({}, files), vault: await keepOneSecret() };
}

Object.assign(globalThis, { ask });
