/** What `init`, `unlock` and `recover` hand over: the secret that lets this shell use the session, and its end. */
import { resolve } from 'node:path';
import type { Session } from '../types.ts';
import { span } from './render/time.ts';

export interface WithSession {
  session(): Session | undefined;
}

/** Fields of the JSON document. */
export function sessionFields(passport: WithSession): { session: string | null; until: number | null } {
  const session = passport.session();
  return { session: session?.secret ?? null, until: session?.until ?? null };
}

/** The line for `eval`, and what it means. */
export function sessionLines(passport: WithSession, now = Date.now()): { result: string; said: string[] } {
  const session = passport.session();
  if (session === undefined) return { result: '', said: [] };
  return {
    result: `export PASSPORT_SESSION=${session.secret}`,
    said: [
      `A session is open for ${span(session.until - now)}: in shells that have this PASSPORT_SESSION, until then or \`passport lock\`.`,
    ],
  };
}

/** A folder is kept with its whole path: the command may be called from elsewhere next time. */
export function storeUrl(url: string): string {
  const path = /^folder:(.+)$/s.exec(url)?.[1];
  return path === undefined ? url : `folder:${resolve(path)}`;
}
