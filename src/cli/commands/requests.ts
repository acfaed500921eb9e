/** `passport requests`: what waits for somebody. */
import type { Request } from '../../types.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { currentRequests } from '../requests.ts';
import { twoDigits } from '../render/change.ts';
import { safe, shortId } from '../render/text.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const requests = await currentRequests(context, await context.passport());
  const { output, io } = context;
  return {
    json: requests,
    result: requests.map((request) => show(request, io.now(), (text) => output.bold(text))).join('\n\n'),
    said: [
      requests.length === 0
        ? 'Nothing waits.'
        : 'Next: passport approve ID, passport refuse ID, or for your own: passport cancel ID',
    ],
  };
}

function show(request: Request, now: number, bold: (text: string) => string): string {
  const state = request.mine
    ? `yours${request.number === undefined ? '' : `, number ${twoDigits(request.number)}`}`
    : request.approved
      ? 'approved here'
      : 'waits for you';
  return [
    `${bold(shortId(request.id))}  ${safe(request.card.title)} (${state}, expires ${relative(request.expires, now)})`,
    ...request.card.lines.map((line) => `  ${safe(line)}`),
    ...request.card.warnings.map((line) => `  Warning: ${safe(line)}`),
  ].join('\n');
}
