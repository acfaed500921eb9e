/** `passport passphrase`: another passphrase for the vault. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';
import { askSecret, givenSecret, NEW_VAULT } from '../secrets.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const { person } = context;
  const passphrase = await person.passphrase('current');
  const newPassphrase = (await givenSecret(context, NEW_VAULT)) ?? (await askSecret(context, NEW_VAULT, 'new'));
  const change = await passport.changePassphrase({
    passphrase,
    newPassphrase,
    ...(await context.kits()),
    ...context.waiting,
  });
  return changeOutcome(passport, change, 'The new passphrase is in force.', [
    'The old one still opens old copies of the stores together with enough old shares.',
  ]);
}
