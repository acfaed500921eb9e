/**
 * How an adapter is opened: each folder of adapters/ exports one `open` of this type, found by the scheme of the address
 * (node/stores.ts). What an adapter takes from outside are parameters: it reads no environment and no clock by itself.
 */
import type { Clock, Random } from '../platform.ts';
import type { Credentials } from './credentials.ts';
import type { Store } from './store.ts';

export interface OpenContext {
  /** The store is being added: what holds the objects (a folder, a collection) may be made. */
  readonly create: boolean;
  /** A person is there who may be asked to sign in. */
  readonly signIn: boolean;
  readonly credentials: Credentials;
  /** Environment variables of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  /** Says something to the person, such as where to sign in. */
  readonly tell: (text: string) => void;
  readonly signal?: AbortSignal;
  /** How servers are reached where the platform's own `fetch` cannot: through a proxy. */
  readonly fetch?: typeof fetch;
}

/**
 * Makes no request unless `create` or a sign-in needs one. Codes: `usage` (the address is wrong), `store-refused` (nobody is
 * signed in), and those of the store port.
 */
export type OpenStore = (url: string, context: OpenContext) => Promise<Store>;
