/** What Maria keeps in her passport: a key, a seed, a login, and the files of a folder. Made fresh in every run. */
import { isUtf8 } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { generateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** The largest value of a record. */
const MAX_VALUE_BYTES = 1024 * 1024;
/** The longest key. */
const MAX_KEY_BYTES = 1024;

export interface Secret {
  readonly key: string;
  /** Its file, in the directory that `makeSecrets` was given. */
  readonly file: string;
  readonly value: Buffer;
}

/** An SSH key, by ssh-keygen where there is one; a wallet's seed of 24 words; a login as JSON. Written into `directory`. */
export function makeSecrets(directory: string): { readonly secrets: readonly Secret[]; readonly keygen: boolean } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const write = (file: string, content: string) => writeFileSync(join(directory, file), content, { mode: 0o600 });
  const key = join(directory, 'id_ed25519');
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'maria@example.org', '-f', key]);
  const keygen = made.status === 0;
  if (!keygen) {
    const { privateKey } = generateKeyPairSync('ed25519');
    write('id_ed25519', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  }
  write('seed.txt', `${generateMnemonic(wordlist, 256)}\n`);
  const login = { site: 'https://bank.example', user: 'maria', password: password(), totp: password() };
  write('bank.json', `${JSON.stringify(login, null, 2)}\n`);
  const secrets = [
    { key: 'ssh/id_ed25519', file: 'id_ed25519' },
    { key: 'wallet/seed-words', file: 'seed.txt' },
    { key: 'logins/bank.example', file: 'bank.json' },
  ].map((secret) => ({ ...secret, value: readFileSync(join(directory, secret.file)) }));
  return { secrets, keygen };
}

export function password(): string {
  return randomBytes(18).toString('base64url');
}

export interface Folder {
  readonly path: string;
  readonly prefix: string;
  /** Every file that a record can hold, by its key. */
  readonly records: ReadonlyMap<string, Buffer>;
  /** How many entries no record can hold: links, special files, more than 1 MiB, names that no key can be. */
  readonly left: number;
}

/** Reads what `passport import PATH PREFIX` has to store. */
export function readFolder(path: string): Folder {
  const prefix = basename(path).normalize('NFC');
  const records = new Map<string, Buffer>();
  let left = 0;
  const visit = (directory: Buffer, key: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
      const file = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      const below = `${key}/${entry.name.toString('utf8').normalize('NFC')}`;
      if (!isUtf8(entry.name)) left++;
      else if (entry.isDirectory()) visit(file, below);
      else if (entry.isFile() && statSync(file).size <= MAX_VALUE_BYTES && isKey(below) && !records.has(below)) {
        records.set(below, readFileSync(file));
      } else left++;
    }
  };
  visit(Buffer.from(path), prefix);
  return { path, prefix, records, left };
}

function isKey(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_KEY_BYTES && !/\p{Cc}/u.test(text);
}
