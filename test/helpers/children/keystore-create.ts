/** ARGUMENTS: directory, kind, passphrase. Creates a keystore and prints its key, or the code. */
import { hex } from '../../../src/bytes.ts';
import { isPassportError } from '../../../src/errors.ts';
import { argon2idNode } from '../../../src/node/argon2.ts';
import { createKeystore } from '../../../src/node/keystore.ts';
import type { KeystoreKind } from '../../../src/storage/keystore.ts';

const [directory, kind, passphrase] = process.argv.slice(2) as [string, KeystoreKind, string];
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const keystore = createKeystore({ directory, kind, argon2id: argon2idNode, random });
const key = await keystore.createKey(async () => passphrase).then(hex, (error: unknown) => error);
console.log(isPassportError(key) ? key.code : key);
