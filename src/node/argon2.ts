/** Argon2id: Node's own (24.7 and later, OpenSSL 3.2, all lanes at once) where it is there, else hash-wasm. Same 32 bytes. */
import * as crypto from 'node:crypto';
import { type Bytes, copy } from '../bytes.ts';
import { argon2idWasm, checkCost } from '../crypto/argon2.ts';
import type { Argon2id } from '../platform.ts';

/** https://nodejs.org/api/crypto.html#cryptoargon2algorithm-parameters-callback; not in the types of Node 20. */
type NativeArgon2 = (
  algorithm: 'argon2id',
  parameters: { message: Bytes; nonce: Bytes; parallelism: number; tagLength: number; memory: number; passes: number },
  callback: (error: Error | null, tag: Uint8Array) => void,
) => void;

const native = (crypto as { argon2?: NativeArgon2 }).argon2;

/** `parameters-refused` like argon2idWasm, before any memory is taken. */
export const argon2idNode: Argon2id =
  native === undefined
    ? argon2idWasm
    : async (password, salt, { memoryKiB, passes, lanes }) => {
        checkCost({ memoryKiB, passes, lanes }, salt);
        if (password.length === 0) throw new TypeError('Argon2id: the password is empty');
        const parameters = {
          message: password,
          nonce: salt,
          parallelism: lanes,
          tagLength: 32,
          memory: memoryKiB,
          passes,
        };
        return new Promise((resolve, reject) => {
          native('argon2id', parameters, (error, tag) => (error === null ? resolve(copy(tag)) : reject(error)));
        });
      };
