/** Addresses of stores: what must not be in one. An address is kept, shown in `status` and printed on kits. */
import { PassportError } from '../errors.ts';

/** Throws `usage` for text that is no URL; nothing of it is repeated, it may hold a secret. */
export function parseAddress(url: string, example: string): URL {
  if (!URL.canParse(url)) throw new PassportError('usage', 'this is not the address of a store', { hint: example });
  const parsed = new URL(url);
  if (parsed.password === '') return parsed;
  throw new PassportError('usage', `a ${parsed.protocol} address must not hold a password: everybody sees it`, {
    hint: 'docs/stores.md says where each kind of store takes its credentials from.',
  });
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** `usage` for a server without TLS that is not this machine, unless `insecure`: the person trusts the network. */
export function refuseClearText(server: URL, insecure: boolean): void {
  if (server.protocol === 'https:' || insecure || LOOPBACK.test(server.hostname)) return;
  throw new PassportError('usage', 'a store without TLS is refused: everybody on the way could change it', {
    hint: 'Use https. On a network that you trust, add insecure=yes to the address.',
  });
}

/** The value of an option of the address; `usage` for options that the adapter does not know. */
export function addressOptions<K extends string>(url: URL, known: readonly K[]): Partial<Record<K, string>> {
  const options: Partial<Record<K, string>> = {};
  for (const [name, value] of url.searchParams) {
    const option = known.find((each) => each === name);
    if (option === undefined)
      throw new PassportError('usage', `${url.protocol} addresses have no option ${JSON.stringify(name)}`, {
        hint: `Their options are ${known.join(', ')}.`,
      });
    options[option] = value;
  }
  return options;
}
