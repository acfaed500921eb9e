/** All decoders as targets. */
import { harvest } from './harvest.ts';
import { type Decoder, decoderTarget } from './decoder.ts';
import { ceremonyDecoders } from './decoders-ceremonies.ts';
import { homeDecoders } from './decoders-home.ts';
import { formatDecoders } from './decoders-format.ts';
import { joinDecoders } from './decoders-join.ts';
import { sealedDecoders } from './decoders-sealed.ts';
import type { Target } from './target.ts';

export async function allDecoders(): Promise<Decoder[]> {
  const [behind, fresh, voting] = [await harvest('behind'), await harvest('fresh'), await harvest('voting')];
  const harvests = [behind, fresh, voting];
  return [
    ...formatDecoders(harvests),
    ...(await sealedDecoders(behind)),
    ...(await homeDecoders(behind)),
    ...(await ceremonyDecoders(behind, voting)),
    ...(await joinDecoders()),
  ];
}

export async function decoderTargets(): Promise<Target<Uint8Array<ArrayBuffer>>[]> {
  const decoders = await allDecoders();
  const foreign = decoders.flatMap(({ samples }) => samples.slice(0, 2));
  const { scene } = await harvest('behind');
  return decoders.map((each) => decoderTarget(each, scene.secrets, foreign));
}
