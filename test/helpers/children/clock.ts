/** Prints this boot and the monotonic clock, as another process reads them. */
import { nodeClock } from '../../../src/node/clock.ts';

console.log(nodeClock.bootId());
console.log(nodeClock.monotonic());
