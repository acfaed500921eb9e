/**
 * The lint rules that hold the architecture up, seen firing: each test plants one violation in a small tree of its own that
 * uses the repository's .oxlintrc.json and tsconfig.json, and expects exactly that rule.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A tree in which every arrow points down. */
const CLEAN: Record<string, string> = {
  'src/bytes.ts': 'export const bytes = 1;\n',
  'src/crypto/hash.ts': "import { bytes } from '../bytes.ts';\nexport const hash = bytes;\n",
  'src/storage/store.ts': "import { bytes } from '../bytes.ts';\nexport const store = bytes;\n",
  'src/registry/vote.ts': "import { hash } from '../crypto/hash.ts';\nexport const vote = hash;\n",
  'src/passport.ts': "import { vote } from './registry/vote.ts';\nexport const passport = vote;\n",
  'adapters/folder/index.ts': "import { store } from '../../src/storage/store.ts';\nexport const open = store;\n",
  'src/node/stores.ts': "export const late = () => import('../../adapters/folder/index.ts');\n",
  'src/node/index.ts': "import { passport } from '../passport.ts';\nexport const node = passport;\n",
  'src/cli/commands/get.ts': "import { passport } from '../../passport.ts';\nexport const get = passport;\n",
  'src/cli/commands/put.ts': "import { text } from '../text.ts';\nexport const put = text;\n",
  'src/cli/main.ts': "import { node } from '../node/index.ts';\nexport const main = node;\n",
  'src/cli/text.ts': "export const text = '';\n",
};

let tree: string;

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

/** The rules that fired, as `file rule`, and oxlint's exit code. */
function lint(): { found: string[]; exitCode: number | null; text: string } {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const run = spawnSync(process.execPath, [oxlint, '--deny-warnings', '-f', 'json'], { cwd: tree, encoding: 'utf8' });
  const report = JSON.parse(run.stdout) as { diagnostics: { code: string; filename: string }[] };
  const found = report.diagnostics.map(({ code, filename }) => `${filename} ${code}`);
  return { found: [...new Set(found)].sort(), exitCode: run.status, text: run.stdout };
}

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'passport-lint-'));
  copyFileSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
  copyFileSync(join(root, 'tsconfig.json'), join(tree, 'tsconfig.json'));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'junction');
  for (const [path, text] of Object.entries(CLEAN)) plant(path, text);
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

describe('a tree in which every arrow points down', () => {
  it('passes', () => {
    expect(lint()).toMatchObject({ found: [], exitCode: 0 });
  });
});

describe('the arrows: an import is refused', () => {
  const IMPORTS = 'eslint(no-restricted-imports)';
  const upward: [who: string, file: string, from: string][] = [
    ['from bytes to crypto', 'src/bytes.ts', './crypto/hash.ts'],
    ['from cbor to crypto', 'src/cbor.ts', './crypto/hash.ts'],
    ['from crypto to storage', 'src/crypto/planted.ts', '../storage/store.ts'],
    ['from crypto to registry', 'src/crypto/planted.ts', '../registry/vote.ts'],
    ['from storage to crypto', 'src/storage/planted.ts', '../crypto/hash.ts'],
    ['from format to registry', 'src/format/planted.ts', '../registry/vote.ts'],
    ['from registry to storage', 'src/registry/planted.ts', '../storage/store.ts'],
    ['from replica to registry', 'src/replica/planted.ts', '../registry/vote.ts'],
    ['from records to registry', 'src/records/planted.ts', '../registry/vote.ts'],
    ['from sync to the SDK', 'src/sync/planted.ts', '../passport.ts'],
    ['from device to the SDK', 'src/device/planted.ts', '../passport.ts'],
    ['from a ceremony to the SDK', 'src/ceremonies/planted.ts', '../passport.ts'],
    ['from a ceremony to a shell', 'src/ceremonies/planted.ts', '../node/index.ts'],
    ['from the SDK to a shell', 'src/index.ts', './node/index.ts'],
    ['from a keystore to the registry', 'src/node/planted.ts', '../registry/vote.ts'],
    ['from the command to the registry', 'src/cli/planted.ts', '../registry/vote.ts'],
    ['from a subcommand to the registry', 'src/cli/commands/planted.ts', '../../registry/vote.ts'],
    ['from the contract suite to crypto', 'src/testing/planted.ts', '../crypto/hash.ts'],
    ['from an adapter to crypto', 'adapters/planted/index.ts', '../../src/crypto/hash.ts'],
    ['from the list of adapters to the SDK', 'src/node/stores.ts', '../passport.ts'],
    ['from a keystore to an adapter', 'src/node/planted.ts', '../../adapters/planted/index.ts'],
    ['from the SDK to an adapter', 'src/index.ts', '../adapters/planted/index.ts'],
    ['from the command to an adapter', 'src/cli/planted.ts', '../../adapters/planted/index.ts'],
    ['by a folder that is no layer', 'src/planted/index.ts', '../bytes.ts'],
  ];
  it.each(upward)('%s', (_, file, from) => {
    plant(file, `export * from '${from}';\n`);
    const { found, exitCode } = lint();
    expect(found).toContain(`${file} ${IMPORTS}`);
    expect(exitCode).toBe(1);
  });

  it('as a type, and when it is written as import()', () => {
    plant('src/crypto/type.ts', "import type { vote } from '../registry/vote.ts';\nexport type V = typeof vote;\n");
    plant('src/crypto/late.ts', "export const late = () => import('../registry/vote.ts');\n");
    expect(lint().found).toEqual([`src/crypto/late.ts ${IMPORTS}`, `src/crypto/type.ts ${IMPORTS}`]);
  });

  it('with the reason in the message', () => {
    plant('src/crypto/planted.ts', "export * from '../registry/vote.ts';\n");
    expect(lint().text).toContain('crypto knows bytes and statements, not what they are for');
  });

  it('in a cycle', () => {
    plant('src/registry/a.ts', "import { b } from './b.ts';\nexport const a = () => b;\n");
    plant('src/registry/b.ts', "import { a } from './a.ts';\nexport const b = () => a;\n");
    expect(lint()).toMatchObject({
      found: ['src/registry/a.ts import(no-cycle)', 'src/registry/b.ts import(no-cycle)'],
      exitCode: 1,
    });
  });
});

describe('the core runs in a browser and takes its surroundings as parameters:', () => {
  const refused: [what: string, text: string, rule: string][] = [
    [
      'node:fs',
      "import { readFileSync } from 'node:fs';\nexport const p = readFileSync;\n",
      'import(no-nodejs-modules)',
    ],
    ['Buffer', "export const p = Buffer.from('00', 'hex');\n", 'eslint(no-restricted-globals)'],
    ['globalThis.Buffer', 'export const p = globalThis.Buffer;\n', 'eslint(no-restricted-properties)'],
    ['process', 'export const p = process.env;\n', 'eslint(no-restricted-globals)'],
    ['Math.random', 'export const p = Math.random();\n', 'eslint(no-restricted-properties)'],
    ['Date.now', 'export const p = Date.now();\n', 'eslint(no-restricted-properties)'],
  ];
  it.each(refused)('%s is refused in crypto, and allowed in a shell', (_, text, rule) => {
    plant('src/crypto/planted.ts', text);
    plant('src/cli/planted.ts', text);
    expect(lint()).toMatchObject({ found: [`src/crypto/planted.ts ${rule}`], exitCode: 1 });
  });
});

describe('signatures', () => {
  it('are verified in crypto/sign.ts and nowhere else', () => {
    const text =
      "import { ed25519 } from '@noble/curves/ed25519.js';\n" +
      'const nothing = new Uint8Array(64);\nexport const ok = ed25519.verify(nothing, nothing, nothing);\n';
    for (const file of ['src/crypto/sign.ts', 'src/registry/planted.ts', 'src/node/planted.ts']) plant(file, text);
    expect(lint()).toMatchObject({
      found: [
        'src/node/planted.ts eslint(no-restricted-properties)',
        'src/registry/planted.ts eslint(no-restricted-properties)',
      ],
      exitCode: 1,
    });
  });
});

describe('a promise that nobody waits for', () => {
  const RULE = 'typescript(no-floating-promises)';
  const slow = 'const slow = () => Promise.reject(new Error());\n';

  it('is refused, also behind void and through a helper', () => {
    plant('src/sync/bare.ts', `${slow}export function planted() {\n  slow();\n}\n`);
    plant('src/sync/behind-void.ts', `${slow}export function planted() {\n  void slow();\n}\n`);
    plant('src/sync/helper.ts', `${slow}const run = () => slow();\nexport function planted() {\n  run();\n}\n`);
    const files = ['bare', 'behind-void', 'helper'];
    expect(lint()).toMatchObject({ found: files.map((name) => `src/sync/${name}.ts ${RULE}`), exitCode: 1 });
  });

  it('is refused where a callback drops it', () => {
    plant('src/sync/planted.ts', `${slow}export const planted = () => [1].forEach(async () => slow());\n`);
    expect(lint().found).toContain('src/sync/planted.ts typescript(no-misused-promises)');
  });
});
