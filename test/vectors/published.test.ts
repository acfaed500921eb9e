/**
 * Every vector of vectors/published through src/: the result, or the layer that must refuse. A file that is not named here, an
 * operation or a layer that is not known, and a count that is not that of vectors/README.md fail.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Provider, provider, useProvider } from '../../src/crypto/provider.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import { padmeVectors } from './convert/padme.ts';
import { shamirVectors } from './convert/shamir.ts';
import { runPublished } from './runner.ts';
import { LAYERS, type VectorFile } from './schema.ts';

const root = join(import.meta.dirname, '..', '..', 'vectors');
const portable = provider();

/** The providers that have the primitive; what does not depend on one runs once. */
const SUBJECTS: Readonly<Record<string, readonly Provider[]>> = {
  'aes-256-gcm': [portable, nodeProvider],
  argon2id: [nodeProvider],
  bip39: [nodeProvider],
  cbor: [nodeProvider],
  ed25519: [portable, nodeProvider],
  'hkdf-sha256': [portable, nodeProvider],
  'hmac-sha256': [portable, nodeProvider],
  hpke: [nodeProvider],
  padme: [nodeProvider],
  sha256: [portable, nodeProvider],
  shamir: [nodeProvider],
  x25519: [nodeProvider],
};

afterEach(() => {
  useProvider(portable);
  vi.unstubAllGlobals();
});

async function load(subject: string): Promise<VectorFile> {
  return JSON.parse(await readFile(join(root, 'published', `${subject}.json`), 'utf8')) as VectorFile;
}

const refusals = ({ vectors }: VectorFile): number => vectors.filter((vector) => 'refused' in vector.expect).length;

/** Cells of the rows of README's table of files: `| \`published/x.json\` | vectors | must fail | …`. */
async function table(): Promise<Map<string, readonly [vectors: number, mustFail: number]>> {
  const text = await readFile(join(root, 'README.md'), 'utf8');
  const rows = text.matchAll(/^\| `published\/([\w-]+)\.json` \| (\d+) \| (\d+) \|/gmu);
  return new Map(
    [...rows].map(([, subject, vectors, mustFail]) => [String(subject), [Number(vectors), Number(mustFail)]]),
  );
}

describe('the published vectors', () => {
  it('are in the files that are named here', async () => {
    const files = (await readdir(join(root, 'published'))).map((name) => name.replace(/\.json$/, ''));
    expect(files.toSorted()).toEqual(Object.keys(SUBJECTS).toSorted());
  });

  it('have ids of their own, also among those of the protocol', async () => {
    const paths = (await readdir(root, { recursive: true })).filter((path) => /^p\w+[/\\][\w-]+\.json$/.test(path));
    const ids: string[] = [];
    for (const path of paths) {
      const { vectors } = JSON.parse(await readFile(join(root, path), 'utf8')) as VectorFile;
      ids.push(...vectors.map(({ id }) => id));
    }
    const seen = new Set<string>();
    expect(ids.filter((id) => seen.size === seen.add(id).size)).toEqual([]);
    expect(paths.length).toBeGreaterThan(Object.keys(SUBJECTS).length);
  });

  it('name their sources, and a layer of the list with a reason', async () => {
    for (const file of await Promise.all(Object.keys(SUBJECTS).map(load))) {
      expect(file.sources.length).toBeGreaterThan(0);
      for (const { name, licence, how } of file.sources) expect(name && licence && how).not.toBe('');
      for (const vector of file.vectors) {
        expect(vector.source, vector.id).not.toBe('');
        if ('result' in vector.expect) continue;
        expect(LAYERS, vector.id).toContain(vector.expect.refused);
        expect(vector.why ?? '', vector.id).not.toBe('');
      }
    }
  });

  it('are as many as README says', async () => {
    const said = await table();
    expect([...said.keys()].toSorted()).toEqual(Object.keys(SUBJECTS).toSorted());
    let [all, mustFail] = [0, 0];
    for (const subject of Object.keys(SUBJECTS)) {
      const file = await load(subject);
      expect([subject, file.vectors.length, refusals(file)]).toEqual([subject, ...(said.get(subject) ?? [])]);
      all += file.vectors.length;
      mustFail += refusals(file);
    }
    const text = await readFile(join(root, 'README.md'), 'utf8');
    expect(text).toContain(`Published: ${all} vectors, ${mustFail} of them must fail.`);
  });
});

/** How many ran; each ends as it says. */
async function run(subject: string): Promise<number> {
  let ran = 0;
  for (const vector of (await load(subject)).vectors) {
    expect({ id: vector.id, ...(await runPublished(vector)) }).toEqual({ id: vector.id, ...vector.expect });
    ran++;
  }
  return ran;
}

describe.each(Object.entries(SUBJECTS))('%s', (subject, providers) => {
  it.each(providers.map((each) => [each === portable ? 'portable' : 'node', each] as const))(
    'gives what it must, with the %s provider',
    async (_, chosen) => {
      useProvider(chosen);
      const ran = await run(subject);
      expect(ran).toBe((await load(subject)).vectors.length);
      expect(ran).toBeGreaterThan(0);
    },
  );
});

describe('aes-256-gcm where there is no WebCrypto', () => {
  it('gives what it must', async () => {
    useProvider(portable);
    vi.stubGlobal('crypto', undefined);
    expect(await run('aes-256-gcm')).toBe((await load('aes-256-gcm')).vectors.length);
  });
});

describe('the known answers that nobody published', () => {
  it.each([
    ['shamir', shamirVectors],
    ['padme', padmeVectors],
  ] as const)('%s: are made again by the second implementation', async (_, make) => {
    const made = make();
    const { vectors } = await load(made.subject);
    expect(vectors.filter(({ id }) => id.startsWith(`${made.prefix}-`))).toEqual(made.vectors);
    expect(made.vectors.length).toBeGreaterThan(50);
  });
});

describe('the runner', () => {
  it('fails on an operation that it does not know', async () => {
    const vector = { id: 'x', source: 'none', op: 'rot13', in: {}, expect: { result: null } };
    await expect(runPublished(vector)).rejects.toThrow('no operation "rot13"');
  });

  it('fails on a vector without an input of its operation', async () => {
    const vector = { id: 'x', source: 'none', op: 'sha256', in: {}, expect: { result: null } };
    await expect(runPublished(vector)).rejects.toThrow('the vector has no "message"');
  });
});
