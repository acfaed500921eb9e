/** Every case that the fuzzer ever found ends well today. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { readFound, replay } from './found.ts';
import { allTargets } from './targets.ts';

describe('found cases', () => {
  it('end in the right state or in a PassportError', async () => {
    const cases = await readFound(join(import.meta.dirname, 'found'));
    expect(cases.length).toBeGreaterThan(0);
    const targets = new Map((await allTargets()).map((target) => [target.name, target]));
    const wrong: string[] = [];
    for (const { name, found } of cases) {
      const target = targets.get(found.target);
      const finding = target === undefined ? `no target "${found.target}"` : await replay(target, found);
      if (finding !== undefined) wrong.push(`${name}: ${typeof finding === 'string' ? finding : finding.message}`);
    }
    expect(wrong).toEqual([]);
  });
});
