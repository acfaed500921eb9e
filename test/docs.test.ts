import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { ERROR_CODES, Passport } from '../src/index.ts';
import { workedExamples } from './helpers/worked-examples.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Files of the repository below `folder`, relative to its root, without what is installed or built. */
function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (['node_modules', 'dist', '.git'].includes(entry.name)) return [];
    return entry.isDirectory() ? files(path) : [path];
  });
}

const documents = files('.').filter((path) => path.endsWith('.md'));
const without = (text: string, what: RegExp) => text.replaceAll(what, '');

/** The anchors that GitHub gives to the headings of a document. */
function anchors(path: string): Set<string> {
  const headings = without(read(path), /^```[^]*?^```/gm).matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, title]) =>
      (title as string)
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('every relative link', () => {
  it.each(documents)('of %s leads somewhere', (path) => {
    const text = without(without(read(path), /^```[^]*?^```/gm), /`[^`\n]*`/g);
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [file, anchor] = target.split('#') as [string, string | undefined];
        const found = file === '' ? path : relative(ROOT, resolve(ROOT, dirname(path), file));
        if (!existsSync(join(ROOT, found))) return true;
        return anchor !== undefined && !anchors(found).has(anchor);
      });
    expect(broken).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const codes = [...read('docs/errors.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code as string);

  it('has every code of src/errors.ts once, in its order, and no other', () => {
    expect(codes).toEqual([...ERROR_CODES]);
  });
});

describe('the labels of statements', () => {
  const written = new Set(
    [...read('docs/protocol.md').matchAll(/\b(?:Info|H0?|L0?|Sig(?:_[AB])?)\("([a-z0-9-]+)"/g)].map(
      ([, use]) => use as string,
    ),
  );
  const calls =
    /\b(?:info0?|hash0?|hashOf|derive|signStatement|verifyStatement|signRefusal|checkRefusal)\([^'`;]*?['`]([a-z0-9-]+)(\$\{step\})?['`]/g;
  const used = new Set(
    files('src')
      .filter((path) => !/^src\/(?:node|cli)\//.test(path))
      .flatMap((path) => [...read(path).matchAll(calls)])
      .flatMap(([, use, step]) => (step === undefined ? [use as string] : [1, 2, 3, 4].map((n) => `${use}${n}`))),
  );

  it('are the same in docs/protocol.md and in the code', () => {
    expect(written).toEqual(used);
    expect(used.size).toBeGreaterThan(50);
  });
});

describe('docs/protocol.md', () => {
  it('shows the examples as the code computes them', async () => {
    const rows = [
      ...read('docs/protocol.md')
        .split('## 9. Examples')[1]!
        .matchAll(/^\| (.*) \| `(.*)` \|$/gm),
    ];
    expect(rows.map(([, what, value]) => [what, value])).toEqual(await workedExamples());
  });
});

describe('docs/sdk.md', () => {
  const examples = [...read('docs/sdk.md').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
  const methods = (of: object) =>
    Object.getOwnPropertyNames(of).filter((name) => !['constructor', 'length', 'name', 'prototype'].includes(name));

  it('has an example for every call of Passport', () => {
    const calls = [
      ...methods(Passport).map((name) => `Passport.${name}(`),
      ...methods(Passport.prototype).map((name) => `.${name}(`),
    ];
    expect(calls.filter((call) => !examples.includes(call))).toEqual([]);
    expect(calls.length).toBeGreaterThan(35);
  });
});

describe('docs/decisions', () => {
  it('has a list of all its records', () => {
    const listed = [...read('docs/decisions/README.md').matchAll(/\]\((\d{4}-[a-z-]+\.md)\)/g)].map(([, file]) => file);
    const records = files('docs/decisions').map((path) => relative('docs/decisions', path));
    expect(new Set(listed)).toEqual(new Set(records.filter((file) => file !== 'README.md')));
  });
});

describe('the repository', () => {
  it('names nothing outside itself and leaves nothing to be done later', () => {
    // Put together here, so that this file may be looked at too.
    const unwanted = new RegExp(
      [['\\.\\.', 'shared', ''].join('/'), ['TO', 'DO'].join(''), ['FIX', 'ME'].join('')].join('|'),
    );
    const small = files('.').filter((path) => statSync(join(ROOT, path)).size < 1024 * 1024);
    expect(small.filter((path) => unwanted.test(readFileSync(join(ROOT, path), 'latin1')))).toEqual([]);
  });
});
