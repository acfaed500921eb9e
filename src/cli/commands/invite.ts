/**
 * `passport invite`: shows an invitation, waits for the answer, asks for the three words and enrolls. Without a terminal the
 * words come through `passport approve` of another process, and this one waits until that has ended.
 */
import type { Passport } from '../../passport.ts';
import type { Invitation } from '../../types.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { enroll } from '../enroll.ts';
import { terminalQr } from '../render/qr.ts';
import { safe, shortId } from '../render/text.ts';
import { span } from '../render/time.ts';

const POLL_MS = 1000;

export async function run(context: Context): Promise<Outcome> {
  const { options, output, io } = context;
  const replace = options.text('replace');
  const threshold = options.number('threshold');
  const passport = await context.passport();
  const invitation = await passport.invite({
    ...(options.flag('add') ? { add: true } : {}),
    ...(replace === undefined ? {} : { replace }),
    ...(threshold === undefined ? {} : { threshold }),
  });
  const { id, link, expires } = invitation;
  const goOn = `passport approve ${shortId(id)} --words "…"`;
  if (options.flag('no-wait') || options.time('wait') === 0) {
    return {
      json: { id, link, expires },
      result: link,
      said: [`On the new device: passport join LINK --name NAME. Then, with the words that it shows, here: ${goOn}`],
    };
  }

  output.event({ event: 'link', id, link, expires });
  const timeoutMs = Math.min(options.time('wait') ?? Infinity, Math.max(0, expires - io.now()));
  if (!output.json) {
    const terminal = await context.maybeTerminal();
    const qr = terminal === undefined ? undefined : terminalQr(link, terminal.columns);
    if (qr !== undefined) output.note(qr);
    output.note(`On the new device, within ${span(expires - io.now())}: passport join LINK --name NAME`);
    output.note(`LINK is: ${link}`);
  }
  const answer = await passport.awaitAnswer(id, { signal: context.signal, timeoutMs });
  if ((await context.maybeTerminal()) !== undefined) return enroll(context, passport, id, answer.name);
  output.note(`Waiting for: ${goOn}`);
  return otherProcess(context, passport, invitation, answer.name);
}

/** Another process of this device finishes the pairing: it ends when the invitation is no longer open. */
async function otherProcess(
  context: Context,
  passport: Passport,
  { id, expires }: Invitation,
  name: string,
): Promise<Outcome> {
  const { clock } = await context.environment();
  for (;;) {
    const open = (await passport.requests()).some((request) => request.id === id);
    const enrolled =
      !open && (await passport.devices()).some((device) => device.name === name && device.state === 'active');
    if (enrolled) return { json: { id, name, state: 'decided' }, said: [`"${safe(name)}" is enrolled.`] };
    if (!open || clock.now() > expires) {
      return {
        json: { id, name, state: open ? 'expired' : 'cancelled' },
        said: [`"${safe(name)}" was not enrolled.`],
        exit: EXIT.refused,
      };
    }
    await clock.sleep(POLL_MS, context.signal);
  }
}
