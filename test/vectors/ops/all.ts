/** Every operation that a vector file of ours may name. */
import type { Operation } from '../schema.ts';
import { grants } from './grant.ts';
import { keys } from './keys.ts';
import { mail } from './mail.ts';
import { names } from './names.ts';
import { objects } from './object.ts';
import { order } from './order.ts';
import { pairing } from './pairing.ts';
import { records } from './records.ts';
import { registry } from './registry.ts';
import { shares } from './share.ts';
import { votes } from './votes.ts';
import { words } from './words.ts';

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...keys,
  ...objects,
  ...shares,
  ...grants,
  ...words,
  ...names,
  ...records,
  ...order,
  ...mail,
  ...pairing,
  ...registry,
  ...votes,
};
