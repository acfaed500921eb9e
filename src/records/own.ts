/**
 * The own chain. A device goes on with its incarnation only while its journal surely holds all that it wrote there: a commit of
 * it that comes from outside, or is named by others, means that the journal is older than the truth (a restored backup, a copied
 * home). Then it begins a new incarnation after the newest own commit that it knows, and no number is ever used twice.
 * Cell `own`: [incarnation, broken].
 */
import { hex, type Bytes } from '../bytes.ts';
import { chainId } from '../crypto/keys.ts';
import { randomBytes } from '../crypto/random.ts';
import type { CommitRef } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import { appliedHeads } from './heads.ts';
import { STATE } from './chains.ts';
import type { Log } from './log.ts';
import type { RecordContext } from './registry-view.ts';

export interface Own {
  /** 16 bytes. */
  readonly incarnation: Bytes;
  /** 16 bytes. */
  readonly chain: Bytes;
  readonly broken: boolean;
}

export async function readOwn(log: Log): Promise<Own | undefined> {
  const value = (await log.tx.get('own')) as readonly [Bytes, boolean] | undefined;
  if (value === undefined) return undefined;
  const [incarnation, broken] = value;
  return { incarnation, broken, chain: chainId(log.ctx.pid, log.ctx.device, incarnation) };
}

export async function markBroken(log: Log): Promise<void> {
  const own = await readOwn(log);
  if (own !== undefined && !own.broken) log.tx.set('own', [own.incarnation, true]);
}

/** 16 bytes, or undefined before the first commit. */
export async function incarnation(tx: Tx): Promise<Bytes | undefined> {
  return ((await tx.get('own')) as readonly [Bytes, boolean] | undefined)?.[0];
}

/** For who cannot be sure that this journal holds all that the device wrote. The next commit begins a new chain. */
export function newIncarnation(tx: Tx, ctx: RecordContext): Bytes {
  const fresh = randomBytes(ctx.random, 16);
  tx.set('own', [fresh, false]);
  return fresh;
}

/** `restored` when others know of own commits that the journal lacked: a new incarnation has begun. */
export async function continuity(tx: Tx, ctx: RecordContext): Promise<'continues' | 'restored'> {
  const value = (await tx.get('own')) as readonly [Bytes, boolean] | undefined;
  if (value?.[1] !== true) return 'continues';
  newIncarnation(tx, ctx);
  return 'restored';
}

export interface OwnPlace {
  readonly incarnation: Bytes;
  readonly seq: number;
  /** The commit before; undefined for the device's very first. It is a head of what is applied. */
  readonly prev: CommitRef | undefined;
}

/** Where the next own commit goes. */
export async function nextPlace(log: Log): Promise<OwnPlace> {
  const { tx, ctx } = log;
  await continuity(tx, ctx);
  const own = await readOwn(log);
  if (own !== undefined) {
    const last = await log.chains.last(hex(own.chain));
    const [only] = last;
    if (only !== undefined && last.length === 1 && only.state === STATE.applied) {
      return {
        incarnation: own.incarnation,
        seq: only.seq + 1,
        prev: { chain: own.chain, seq: only.seq, id: only.commit },
      };
    }
    if (only === undefined) return first(log, own.incarnation);
  }
  return first(log, newIncarnation(tx, ctx));
}

async function first(log: Log, fresh: Bytes): Promise<OwnPlace> {
  const newest = (await appliedHeads(log, log.ctx.device)).at(-1);
  const prev = newest === undefined ? undefined : { chain: newest.parsed.chain, seq: newest.seq, id: newest.commit };
  return { incarnation: fresh, seq: 1, prev };
}
