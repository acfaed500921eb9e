/**
 * `passport invite`: shows an invitation, waits for the answer, asks for the three words and enrolls. Without a terminal the
 * words come through `passport approve` of another process, and this one waits until that has ended.
 */
import type { Passport } from '../../passport.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { enroll } from '../enroll.ts';
import { safe, shortId } from '../render/text.ts';
import { span } from '../render/time.ts';

const POLL_MS = 1000;
/** So many looks in a row find nothing of it before it counts as gone: one may fall between two steps of the other process. */
const GONE_POLLS = 3;

export async function run(context: Context): Promise<Outcome> {
  const { options, output, io } = context;
  const replace = options.text('replace');
  const threshold = options.number('threshold');
  const passport = await context.passport();
  const { id, link, expires } = await passport.invite({
    ...(options.flag('add') ? { add: true } : {}),
    ...(replace === undefined ? {} : { replace }),
    ...(threshold === undefined ? {} : { threshold }),
  });
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
    if (terminal !== undefined) {
      const { terminalQr } = await import('../render/qr.ts');
      const qr = terminalQr(link, terminal.columns);
      if (qr !== undefined) output.note(qr);
    }
    output.note(`On the new device, within ${span(expires - io.now())}: passport join LINK --name NAME`);
    output.note(`LINK is: ${link}`);
  }
  const answer = await passport.awaitAnswer(id, { signal: context.signal, timeoutMs });
  if ((await context.maybeTerminal()) !== undefined) return enroll(context, passport, id, answer.name);
  output.note(`Waiting for: ${goOn}`);
  return otherProcess(context, passport, id, answer.name);
}

/** Another process of this device finishes the pairing: this one watches until the device is in, or nothing of it is open. */
async function otherProcess(context: Context, passport: Passport, id: string, name: string): Promise<Outcome> {
  const { clock } = await context.environment();
  for (let gone = 0; gone < GONE_POLLS;) {
    const devices = await passport.devices();
    if (devices.some((device) => device.name === name && device.state === 'active')) {
      return { json: { id, name, state: 'decided' }, said: [`"${safe(name)}" is enrolled.`] };
    }
    const requests = await passport.requests();
    // After the words were right, the invitation has become a change.
    const open = requests.some((request) => request.mine && (request.id === id || request.kind === 'change'));
    gone = open ? 0 : gone + 1;
    await clock.sleep(POLL_MS, context.signal);
  }
  return { json: { id, name, state: 'cancelled' }, said: [`"${safe(name)}" was not enrolled.`], exit: EXIT.refused };
}
