/** For watchdog.test.ts: a case that never ends, or that takes memory without end. */
import { Watchdog } from './watchdog.ts';

const [what] = process.argv.slice(2);
const watchdog = new Watchdog({ stuckMs: what === 'loop' ? 1500 : 60_000, most: 400 * 1024 * 1024 });
watchdog.begins(`planted ${what} seed 1 case 7`);
const kept: Uint8Array[] = [];
for (;;) if (what === 'memory') kept.push(new Uint8Array(1024 * 1024).fill(1));
