/**
 * Quarantined commits: listed, never merged. A person may adopt an update: a current device writes it again as its own statement,
 * which wins or loses like any other.
 */
import { hex } from '../bytes.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { parseUpdate, updateId, type Update } from '../format/update.ts';
import type { Tx } from '../replica/replica.ts';
import { BIT, STATE, type CommitRow } from './chains.ts';
import { Log } from './log.ts';
import type { RecordContext } from './registry-view.ts';
import { blindedUpdates, updateAt } from './updates.ts';
import { writeCommit, type Written } from './write.ts';

export interface QuarantinedUpdate {
  /** Update id, hexadecimal. */
  readonly id: string;
  /** undefined while locked, or when the update cannot be read. */
  readonly key: string | undefined;
  readonly deleted: boolean | undefined;
  /** Holder id of the author, hexadecimal. */
  readonly device: string;
  readonly time: number;
}

/** All quarantined updates, by chain and number. */
export async function quarantined(tx: Tx, ctx: RecordContext): Promise<QuarantinedUpdate[]> {
  const log = await Log.open(tx, ctx);
  const found: QuarantinedUpdate[] = [];
  for (const row of await quarantinedRows(log)) {
    const updates = await readable(log, row);
    const { count, time, device } = row.parsed;
    for (let index = 0; index < count; index++) {
      const update = updates[index];
      const deleted = update === undefined ? undefined : update.op === 'delete';
      found.push({
        id: hex(updateId(ctx.pid, row.commit, index)),
        key: update?.key,
        deleted,
        device: hex(device),
        time,
      });
    }
  }
  return found;
}

/** `id`: update id, hexadecimal. Throws `no-such-record`, `locked`, and for what cannot be read `missing`, `damaged` or `decryption-failed`. */
export async function adopt(tx: Tx, ctx: RecordContext, id: string): Promise<Written> {
  const log = await Log.open(tx, ctx);
  for (const row of await quarantinedRows(log)) {
    for (let index = 0; index < row.parsed.count; index++) {
      const update = updateId(ctx.pid, row.commit, index);
      if (hex(update) !== id) continue;
      const { key, op, type, value } = await updateAt(log, row, index);
      return writeCommit(tx, ctx, [{ key, op, type, value, reason: ['adopt', update] }]);
    }
  }
  throw new PassportError('no-such-record', 'there is no such update in quarantine');
}

async function quarantinedRows(log: Log): Promise<CommitRow[]> {
  const found: CommitRow[] = [];
  for (const { chain } of log.chains.list(BIT.quarantined)) {
    const rows = await log.chains.rows(chain, BIT.quarantined);
    found.push(...rows.filter((row) => row.state === STATE.quarantined));
  }
  return found.sort((a, b) =>
    a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.seq - b.seq || (a.id < b.id ? -1 : 1),
  );
}

async function readable(log: Log, row: CommitRow): Promise<readonly Update[]> {
  try {
    return (await blindedUpdates(log, row)).map(({ update }) => parseUpdate(update));
  } catch (error) {
    if (isPassportError(error)) return [];
    throw error;
  }
}
