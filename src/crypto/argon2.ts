/**
 * From a passphrase to P: Argon2id (RFC 9106), version 0x13, 32 bytes out, no secret and no associated data.
 * Cost and salt of a passport or keystore come from outside, so they are checked before memory is taken for them: too cheap
 * would weaken the passphrase, too dear would stop the device.
 */
import { type Bytes, utf8 } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Argon2Cost, Argon2id } from '../platform.ts';

export const DEFAULT_COST: Argon2Cost = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 };

const MEMORY_KIB = [19_456, 524_288] as const;
const PASSES = [1, 10] as const;
const LANES = [1, 8] as const;
/** Memory times passes, KiB: what a guess costs an attacker. */
const WORK_KIB = [131_072, 2_097_152] as const;
const SALT_BYTES = [16, 64] as const;
const PASSPHRASE_BYTES = 1024;

/** `parameters-refused` outside the accepted range (docs/protocol.md, 3). */
export function checkCost(cost: Argon2Cost, salt: Bytes): void {
  const { memoryKiB, passes, lanes } = cost;
  within('memory', memoryKiB, MEMORY_KIB); // V47
  within('passes', passes, PASSES); // V48
  within('lanes', lanes, LANES); // V49
  within('work', memoryKiB * passes, WORK_KIB); // V50
  within('salt', salt.length, SALT_BYTES); // V51
}

/** What is hashed: NFKC, UTF-8, not trimmed. `passphrase-invalid` unless that is 1..1024 bytes of assigned characters. */
export function passphraseBytes(text: string): Bytes {
  if (/\p{Surrogate}/u.test(text))
    throw new PassportError('passphrase-invalid', 'the passphrase is not well-formed text'); // V218
  // NFKC of what is assigned never changes; of what is not, a later Unicode may give another P.
  if (/\p{Cn}/u.test(text))
    throw new PassportError('passphrase-invalid', 'the passphrase has a character that this machine does not know'); // V224
  const bytes = utf8(text.normalize('NFKC'));
  if (bytes.length === 0) throw new PassportError('passphrase-invalid', 'the passphrase is empty'); // V219
  if (bytes.length > PASSPHRASE_BYTES) {
    throw new PassportError('passphrase-invalid', `the passphrase is longer than ${PASSPHRASE_BYTES} bytes`); // V220
  }
  return bytes;
}

/** hash-wasm, loaded on first use; one core whatever the lanes. Refuses what `checkCost` refuses, and an empty password. */
export const argon2idWasm: Argon2id = async (password, salt, cost) => {
  checkCost(cost, salt);
  if (password.length === 0) throw new TypeError('Argon2id: the password is empty');
  const { argon2id } = await import('./argon2-wasm.ts');
  const hash = await argon2id({
    password,
    salt,
    memorySize: cost.memoryKiB,
    iterations: cost.passes,
    parallelism: cost.lanes,
    hashLength: 32,
    outputType: 'binary',
  });
  return new Uint8Array(hash);
};

function within(what: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new PassportError('parameters-refused', `Argon2id ${what} is outside ${least}..${most}`, {
    details: { what, least, most },
  });
}
