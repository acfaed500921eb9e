import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const crypto = fileURLToPath(new URL('../../src/crypto', import.meta.url));

describe('what a command loads before it does anything', () => {
  it.each(['hash', 'object', 'keys', 'statements', 'random', 'padding', 'argon2', 'share'])(
    '%s.ts loads neither curves nor HPKE, words or Argon2',
    (name) => {
      const packages = [...loaded(resolve(crypto, `${name}.ts`))].filter((specifier) => !specifier.startsWith('/'));
      const light = ['@noble/hashes/hmac.js', '@noble/hashes/sha2.js', 'cborg', 'shamir-secret-sharing'];
      expect(packages.filter((specifier) => !light.includes(specifier))).toEqual([]);
    },
  );

  it('would notice: sign.ts does load the curves', () => {
    expect(loaded(resolve(crypto, 'sign.ts'))).toContain('@noble/curves/ed25519.js');
  });
});

/** Files and packages that `file` imports when it is loaded, itself and through others. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms);
  for (const [, specifier = ''] of imports) {
    if (specifier.startsWith('.')) loaded(resolve(dirname(file), specifier), seen);
    else seen.add(specifier);
  }
  return seen;
}
