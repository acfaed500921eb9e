import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../src/bytes.ts';
import { hash, hash0, info, info0, SUITE } from '../../src/crypto/statements.ts';
import { codeOf } from '../helpers/codes.ts';

const pid = new Uint8Array(32).fill(0xaa);

describe('a statement', () => {
  it('is CBOR [label and use, suite 1, pid, …fields], byte for byte', () => {
    const label = Buffer.from('passport-mesh/v1/share').toString('hex');
    expect(hex(info(pid, 'share', 5, fromHex('0102'), null))).toBe(`8676${label}015820${'aa'.repeat(32)}05420102f6`);
    expect(SUITE).toBe(1);
  });

  it('without a pid is CBOR [label and use, suite 1, …fields]', () => {
    const label = Buffer.from('passport-mesh/v1/kit').toString('hex');
    expect(hex(info0('kit', 'sign'))).toBe(`8374${label}01647369676e`);
  });

  it('is hashed with SHA-256', () => {
    expect(hex(hash(pid, 'entry', 1))).toBe(
      createHash('sha256')
        .update(info(pid, 'entry', 1))
        .digest('hex'),
    );
    expect(hex(hash0('pid-words', pid))).toBe(createHash('sha256').update(info0('pid-words', pid)).digest('hex'));
  });

  it('differs by passport, use, number and borders of fields', () => {
    const other = new Uint8Array(32).fill(0xab);
    const all = [
      info(pid, 'a', 'bc'),
      info(other, 'a', 'bc'),
      info(pid, 'ab', 'c'),
      info(pid, 'a', 'b', 'c'),
      info(pid, 'a', ['bc']),
      info(pid, 'a'),
      info0('a', pid),
    ];
    expect(new Set(all.map(hex)).size).toBe(all.length - 1); // the last two are the same bytes: no use has both forms
  });

  it('needs a whole pid', () => {
    expect(codeOf(() => info(new Uint8Array(31), 'a'))).toBe('TypeError');
  });
});
