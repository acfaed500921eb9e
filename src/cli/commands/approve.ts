/**
 * `passport approve`: says yes to a request, after what it does was shown. For a request of another device its two digits are
 * typed; for an own invitation the three words; an own change is taken up again.
 */
import { PassportError } from '../../errors.ts';
import type { Passport } from '../../passport.ts';
import type { Request } from '../../types.ts';
import type { Context } from '../context.ts';
import { enroll } from '../enroll.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { currentRequests } from '../requests.ts';
import { changeOutcome } from '../render/change.ts';
import { safe, shortId } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const requests = await currentRequests(context, passport);
  const typed = context.args[0] ?? theOnly(requests).id;
  const request = requests.find(({ id }) => id.startsWith(typed));
  if (request === undefined || (request.kind === 'pairing' && request.mine)) {
    // An invitation is listed when somebody has answered it: this one may just be early.
    const id = request?.id ?? typed;
    const { name } = await passport.awaitAnswer(id, context.waiting);
    return enroll(context, passport, id, name);
  }
  if (!request.mine) return approve(context, passport, request);
  if (request.kind === 'unlock')
    throw usage('this is your own request', 'It waits for another device: passport unlock goes on.');
  const change = await passport.finish(request.id, { ...(await context.kits()), ...context.waiting });
  return changeOutcome(passport, change, `${safe(request.card.title)}: done.`);
}

async function approve(context: Context, passport: Passport, request: Request): Promise<Outcome> {
  const { person } = context;
  await person.show(request.card);
  const number = context.options.number('number') ?? (await askNumber(context, request));
  if (!(await person.confirm(request.card))) throw new PassportError('refused', 'you did not approve it');
  const answer = await passport.approve(request.id, { number, ...(await context.kits()), ...context.waiting });
  if (answer.state !== 'answered') return changeOutcome(passport, answer, `${safe(request.card.title)}: done.`);
  return {
    json: { id: request.id, state: answer.state },
    said: [`Approved: ${safe(request.card.title)}. "${safe(request.from)}" goes on.`],
  };
}

/** What waits for this person; else an own change that can be taken up again. */
function theOnly(requests: readonly Request[]): Request {
  const forMe = requests.filter(({ kind, mine, approved }) => (mine ? kind === 'pairing' : !approved));
  const candidates = forMe.length > 0 ? forMe : requests.filter(({ kind, mine }) => mine && kind === 'change');
  const [only] = candidates;
  if (only === undefined) throw usage('no request waits for you', 'See: passport requests');
  if (candidates.length === 1) return only;
  throw usage(
    `${candidates.length} requests are open: say which`,
    candidates.map(({ id, card }) => `passport approve ${shortId(id)}   ${card.title}`).join('\n'),
  );
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
