/** The whole way of a passport in OneDrive, as a person goes it: whole-way.ts with the real client library and the double. */
import { describe } from 'vitest';
import { microsoftOneDrive } from '../doubles/whole-way.ts';
import { moveFromBucket } from './whole-way-move.ts';
import { wholeWay } from './whole-way.ts';

describe('a passport in OneDrive (double), the whole way', () => {
  wholeWay(microsoftOneDrive);
  moveFromBucket(microsoftOneDrive);
});
