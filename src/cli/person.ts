/** The person, as the SDK asks: secrets from options or the terminal, a yes to a card, and what is to be told. */
import type { Card, PassportEvent, Person } from '../types.ts';
import type { Context } from './context.ts';
import { safe } from './render/text.ts';
import { askSecret, DEVICE, givenSecret, VAULT, type Secret } from './secrets.ts';

export class CommandPerson implements Person {
  readonly #context: Context;
  /** The card that stands on the screen already. */
  #shown: Card | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  passphrase(about: 'new' | 'current'): Promise<string> {
    return this.#secret(VAULT, about);
  }

  devicePassphrase(about: 'new' | 'current'): Promise<string> {
    return this.#secret(DEVICE, about);
  }

  async confirm(card: Card): Promise<boolean> {
    await this.show(card);
    if (this.#context.options.flag('yes')) return true;
    const terminal = await this.#context.terminal('a yes is needed', 'Look at what it does, then add --yes.');
    for (;;) {
      const answer = (await terminal.ask('Go on? (yes or no) ')).trim().toLowerCase();
      if (answer === 'yes' || answer === 'y') return true;
      if (answer === 'no' || answer === 'n') return false;
    }
  }

  tell(event: PassportEvent): void {
    if (event.event === 'progress') this.#context.output.progress(event.what, event.done, event.total);
    else this.#context.output.event(event);
  }

  /** Shows what a decision means, once. */
  async show(card: Card): Promise<void> {
    if (this.#shown !== undefined && JSON.stringify(this.#shown) === JSON.stringify(card)) return;
    this.#shown = card;
    const { output } = this.#context;
    output.event({ event: 'card', ...card });
    // A program reads the events; who is asked at the terminal must see it too.
    if (output.json && !this.#context.options.flag('yes')) {
      const terminal = await this.#context.maybeTerminal();
      terminal?.write(`${[card.title, ...card.lines, ...card.warnings].map(safe).join('\n')}\n`);
    }
  }

  async #secret(secret: Secret, about: 'new' | 'current'): Promise<string> {
    return (await givenSecret(this.#context, secret)) ?? (await askSecret(this.#context, secret, about));
  }
}
