/** What Node has beside WebCrypto, for platform.ts. */
import * as crypto from 'node:crypto';
import { type Bytes, copy } from '../../src/bytes.ts';
import { argon2idNode } from '../../src/node/argon2.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import { openFirst, x25519 } from '../helpers/hpke.ts';
import type { Platform } from './platform.ts';

/** Node 24.7 and later; not in the types of Node 20. */
type Argon2Sync = (
  algorithm: 'argon2id',
  parameters: { message: Bytes; nonce: Bytes; parallelism: number; tagLength: number; memory: number; passes: number },
) => Uint8Array;

const { argon2Sync } = crypto as { argon2Sync?: Argon2Sync };

export const nodeSide: Platform = {
  provider: nodeProvider,
  hkdf: (ikm, salt, info, length) => new Uint8Array(crypto.hkdfSync('sha256', ikm, salt, info, length)),
  x25519(privateKey, publicKey) {
    // Node takes keys in DER, and what follows the DER is ignored.
    if (publicKey.length !== 32) throw new TypeError(`public key: expected 32 bytes, got ${publicKey.length}`);
    return copy(x25519(privateKey, publicKey));
  },
  hpkeOpen(privateKey, publicKey, info, sealed, psk, pskId) {
    const enc = sealed.subarray(0, 32);
    const modes = { ...(psk && { psk }), ...(pskId && { pskId }) };
    const input = { aead: 'aes-256-gcm', privateKey, publicKey, enc, info, ...modes } as const;
    return copy(openFirst(input, sealed.subarray(32)));
  },
  argon2idOfShell: argon2idNode,
  ...(argon2Sync && {
    argon2id: async (message, nonce, { memoryKiB, passes, lanes }) =>
      copy(argon2Sync('argon2id', { message, nonce, parallelism: lanes, tagLength: 32, memory: memoryKiB, passes })),
  }),
};
