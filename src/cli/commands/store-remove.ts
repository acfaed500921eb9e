/** `passport store remove`: this device keeps the passport there no more. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { safe } from '../render/text.ts';
import { storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const { url } = await (await context.passport()).removeStore(storeUrl(context.arg(0)));
  return {
    json: { url, removed: true },
    said: [
      `This device does not use ${safe(url)} any more. What is there stays there, encrypted, and other devices may still use it.`,
      'Delete it by hand when no device needs it; then take back the credentials that it was reached with.',
    ],
  };
}
