/** A case that never comes back is named, and the run ends. */
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';

async function ended(what: string): Promise<{ said: string; signal: string | null }> {
  const child = spawn(process.execPath, ['test/run.mjs', 'test/fuzz/stuck.ts', what], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => (said += String(data)));
  const signal = await new Promise<string | null>((resolve) => child.on('close', (_, by) => resolve(by)));
  return { said, signal };
}

describe('the watchdog', () => {
  it('ends a loop that has no end', async () => {
    expect(await ended('loop')).toEqual({ said: 'FINDING planted loop seed 1 case 7: no end\n', signal: 'SIGKILL' });
  });

  it('ends what takes memory without end', async () => {
    const { said, signal } = await ended('memory');
    expect(said).toMatch(/^FINDING planted memory seed 1 case 7: \d+ MiB\n$/);
    expect(signal).toBe('SIGKILL');
  });
});
