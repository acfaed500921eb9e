/** Everything that is fuzzed. */
import { decoderTargets } from './decoders.ts';
import { homeTargets } from './home.ts';
import { storeTargets } from './store.ts';
import type { Target } from './target.ts';

export async function allTargets(): Promise<Target[]> {
  return [...(await decoderTargets()), ...(await storeTargets()), ...(await homeTargets())];
}
