/**
 * Time. The monotonic clock counts from the boot of the machine and means the same in every process of that boot. It goes on
 * while the machine sleeps, so that a session does not outlast a night in a bag: on Linux that is the system's uptime
 * (CLOCK_BOOTTIME, steps of 10 ms), elsewhere the clock of process.hrtime.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Clock } from '../platform.ts';

const MINUTE_MS = 60_000;
let bootId: string | undefined;

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => (process.platform === 'linux' ? uptime() * 1000 : Number(process.hrtime.bigint() / 1_000_000n)),
  bootId: () => (bootId ??= readBootId()),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
};

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    // The minute of the boot. A corrected wall clock changes it, which ends sessions early and nothing worse.
    return `boot-${Math.round((Date.now() - uptime() * 1000) / MINUTE_MS)}`;
  }
}
