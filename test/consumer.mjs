/**
 * The package as somebody else gets it: packs it, looks at it with publint, installs the tarball in a new folder, calls the
 * command, and type-checks and runs every example of docs/sdk.md there.
 *
 * Each ```ts block of docs/sdk.md is a module of its own (top-level await allowed). The blocks run one after the other, each
 * in a new process with the same current folder, so a later one finds what an earlier one stored.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'passport-consumer-'));

/** Runs a program to its end, its output shown; throws on another exit code than 0. */
function run(/** @type {string} */ cwd, /** @type {string} */ program, /** @type {string[]} */ ...args) {
  execFileSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function examples() {
  const text = readFileSync(join(root, 'docs/sdk.md'), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((block, index) => ({
    name: `example-${String(index + 1).padStart(2, '0')}`,
    line: text.slice(0, block.index).split('\n').length + 1,
    code: block[1] ?? '',
  }));
}

try {
  run(root, process.execPath, 'node_modules/publint/src/cli.js', '--strict');
  run(root, 'npm', 'pack', '--silent', '--pack-destination', folder);

  const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const dependencies = {
    'passport-mesh': `file:passport-mesh-${version}.tgz`,
    typescript: devDependencies.typescript,
    '@types/node': devDependencies['@types/node'],
  };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  );
  const compilerOptions = { target: 'es2023', module: 'nodenext', strict: true, types: ['node'], outDir: 'out' };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  run(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund');
  run(folder, 'npx', '--no-install', 'passport', '--help');

  const blocks = examples();
  if (blocks.length === 0) throw new Error('docs/sdk.md has no example');
  for (const { name, line, code } of blocks) {
    writeFileSync(join(folder, `${name}.ts`), `// docs/sdk.md, line ${line}\n${code}\nexport {};\n`);
  }
  run(folder, 'npx', '--no-install', 'tsc', '-p', '.');
  const workplace = join(folder, 'work');
  mkdirSync(workplace);
  for (const { name, line } of blocks) {
    console.log(`\n== ${name} (docs/sdk.md, line ${line})`);
    run(workplace, process.execPath, join(folder, 'out', `${name}.js`));
  }
  console.log(`\nconsumer: ${blocks.length} examples ok`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
