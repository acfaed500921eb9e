/** The whole way of a passport in Google Drive, as a person goes it: whole-way.ts with the real client library and the double. */
import { describe } from 'vitest';
import { googleDrive } from '../doubles/whole-way.ts';
import { moveFromBucket } from './whole-way-move.ts';
import { wholeWay } from './whole-way.ts';

describe('a passport in Google Drive (double), the whole way', () => {
  wholeWay(googleDrive);
  moveFromBucket(googleDrive);
});
