/**
 * Every vector of vectors/protocol through this implementation: the result, or the layer that refuses. An operation that is not
 * known, a file that nobody makes and a subject without a file fail.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { SUBJECTS } from './make/all.ts';
import { written } from './maker.ts';
import { runVector } from './run.ts';
import { LAYERS, type VectorFile } from './schema.ts';

const root = join(import.meta.dirname, '..', '..', 'vectors', 'protocol');

async function read(subject: string): Promise<{ text: string; file: VectorFile }> {
  const text = await readFile(join(root, `${subject}.json`), 'utf8');
  return { text, file: JSON.parse(text) as VectorFile };
}

const ran = { all: 0, refused: 0 };

describe('the vectors of the protocol', () => {
  it('has a file for each subject, and no other', async () => {
    const files = (await readdir(root)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    expect(files.sort()).toEqual(Object.keys(SUBJECTS).sort());
  });

  it('has no id twice', async () => {
    const ids: string[] = [];
    for (const subject of Object.keys(SUBJECTS)) ids.push(...(await read(subject)).file.vectors.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  for (const [subject, make] of Object.entries(SUBJECTS)) {
    it(`${subject}: every vector ends as it says`, async () => {
      const { file } = await read(subject);
      const wrong: string[] = [];
      let refused = 0;
      for (const vector of file.vectors) {
        const outcome = await runVector(vector.op, vector.in, file.given);
        if (JSON.stringify(outcome) !== JSON.stringify(vector.expect))
          wrong.push(`${vector.id}: ${JSON.stringify(outcome)}`);
        if ('refused' in vector.expect) {
          if (!LAYERS.includes(vector.expect.refused as never)) wrong.push(`${vector.id}: an unknown layer`);
          refused += 1;
        }
      }
      expect(wrong).toEqual([]);
      expect(file.vectors.length).toBeGreaterThanOrEqual(45);
      expect(refused / file.vectors.length).toBeGreaterThanOrEqual(30 / 45);
      ran.all += file.vectors.length;
      ran.refused += refused;
    });

    it(`${subject}: is made again byte for byte`, async () => {
      expect(written((await make()).file()) === (await read(subject)).text).toBe(true);
    });
  }

  it('ran them all', async () => {
    let all = 0;
    for (const subject of Object.keys(SUBJECTS)) all += (await read(subject)).file.vectors.length;
    expect(ran.all).toBe(all);
    expect(all).toBeGreaterThan(2_200);
    expect(ran.refused).toBeGreaterThan(1_850);
  });
});
