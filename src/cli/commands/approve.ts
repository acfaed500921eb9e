/**
 * `passport approve`: says yes to a request, after what it does was shown. For a request of another device its two digits are
 * typed; for an own invitation the three words; an own change is taken up again.
 */
import type { Passport } from '../../passport.ts';
import type { Request } from '../../types.ts';
import type { Context } from '../context.ts';
import { enroll } from '../enroll.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { byPrefix } from '../pick.ts';
import { changeOutcome } from '../render/change.ts';
import { safe, shortId } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const request = choose(await passport.requests(), context.args[0]);
  if (request.kind === 'pairing' && request.mine) {
    const { name } = await passport.awaitAnswer(request.id, {
      signal: context.signal,
      timeoutMs: context.waiting.timeoutMs,
    });
    return enroll(context, passport, request.id, name);
  }
  if (request.mine) {
    const change = await passport.finish(request.id, { ...(await context.kits()), ...context.waiting });
    return changeOutcome(change, `${safe(request.card.title)}: done.`);
  }
  return approve(context, passport, request);
}

async function approve(context: Context, passport: Passport, request: Request): Promise<Outcome> {
  await (await context.person()).show(request.card);
  const number = request.approved
    ? undefined
    : (context.options.number('number') ?? (await askNumber(context, request)));
  const answer = await passport.approve(request.id, {
    ...(number === undefined ? {} : { number }),
    ...(await context.kits()),
    ...context.waiting,
  });
  if (answer.state === 'answered') {
    return {
      json: { id: request.id, state: 'answered' },
      said: [`Approved: ${safe(request.card.title)}. "${safe(request.from)}" goes on.`],
    };
  }
  return changeOutcome(answer, `${safe(request.card.title)}: done.`);
}

function choose(requests: readonly Request[], id: string | undefined): Request {
  if (id !== undefined) return byPrefix(requests, (request) => request.id, id, 'no-such-request', 'request');
  const open = requests.filter((request) => !request.approved && (!request.mine || request.kind === 'pairing'));
  const [only] = open;
  if (only === undefined)
    throw usage(
      'no request waits for you',
      '`passport sync` looks for new ones. An own change goes on with: passport approve ID',
    );
  if (open.length > 1) {
    throw usage(
      `${open.length} requests are open: say which`,
      open.map((request) => `passport approve ${shortId(request.id)}   ${request.card.title}`).join('\n'),
    );
  }
  return only;
}

async function askNumber(context: Context, request: Request): Promise<number> {
  const terminal = await context.terminal(
    'the number is needed',
    'Add --number NN: the two digits that the asking device shows.',
  );
  for (;;) {
    const typed = await terminal.ask(`Type the two digits that "${safe(request.from)}" shows: `);
    if (/^\s*\d{1,2}\s*$/.test(typed)) return Number(typed);
  }
}
