/**
 * The native module of lmdb, for the bundle of the command: there lmdb's JavaScript is inside the bundle, and this stands in
 * the place of node-gyp-build-optional-packages (package.json, build:command), which searches five directories. The file it
 * would find on Linux with glibc is named here; on every other system, and when that one does not load, it searches itself.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type Search = (directory: string) => unknown;

// eslint-disable-next-line import/no-default-export -- lmdb imports it by that name
export default function load(): unknown {
  const main = createRequire(import.meta.url).resolve('lmdb'); // lmdb/dist/index.cjs
  const lmdb = createRequire(main);
  return prebuilt(lmdb) ?? (lmdb('node-gyp-build-optional-packages') as Search)(dirname(dirname(main)));
}

function prebuilt(lmdb: NodeJS.Require): unknown {
  const { platform, arch, versions } = process;
  if (platform !== 'linux' || existsSync('/etc/alpine-release')) return undefined;
  for (const build of [`abi${versions.modules}`, 'napi']) {
    try {
      return lmdb(join(dirname(lmdb.resolve(`@lmdb/lmdb-linux-${arch}`)), `node.${build}.glibc.node`));
    } catch {
      // Not among the prebuilt ones.
    }
  }
  return undefined;
}
