/** Operations on the key hierarchy (docs/protocol.md, 3). */
import { fromHex } from '../../../src/bytes.ts';
import { argon2idWasm, checkCost, passphraseBytes } from '../../../src/crypto/argon2.ts';
import {
  chainId,
  holderId,
  kekCheck,
  kekFrom,
  kekLinkKey,
  mailPsk,
  meshLayerKey,
  meshLinkKey,
  nameKey,
  passportId,
  vaultLayerKey,
  vaultSigningSeed,
  wrapKey,
} from '../../../src/crypto/keys.ts';
import { publicKeyOf } from '../../../src/crypto/sign.ts';
import { kekOf } from '../../../src/registry/open.ts';
import type { EpochInfo } from '../../../src/registry/state.ts';
import type { Input, Operation } from '../schema.ts';

const at = (input: Input) => [input.bytes('pid'), input.number('epoch')] as const;

function pid(input: Input) {
  const founders = input.list('founders').map((founder) => {
    const [seat, kind, signKey, receiveKey] = founder as [number, number, string, string];
    return [seat, kind, fromHex(signKey), fromHex(receiveKey)] as const;
  });
  return { pid: passportId(founders, input.bytes('random'), input.number('threshold'), founders.length) };
}

async function passphraseKey(input: Input) {
  const cost = { memoryKiB: input.number('memoryKiB'), passes: input.number('passes'), lanes: input.number('lanes') };
  const salt = input.bytes('salt');
  const password = passphraseBytes(input.text('passphrase'));
  checkCost(cost, salt);
  return { p: await argon2idWasm(password, salt, cost) };
}

function kek(input: Input) {
  const [id, epoch] = at(input);
  const key = kekFrom(id, epoch, input.bytes('vek'), input.bytes('p'));
  const vaultSeed = vaultSigningSeed(id, epoch, key);
  return {
    kek: key,
    kekCheck: kekCheck(id, epoch, key),
    vaultLayerKey: vaultLayerKey(id, epoch, key),
    kekLinkKey: kekLinkKey(id, epoch, key),
    vaultSigningSeed: vaultSeed,
    vaultKey: publicKeyOf(vaultSeed),
  };
}

function kekOpen(input: Input) {
  const [id, epoch] = at(input);
  const info = { epoch, kekCheck: input.bytes('kekCheck') } as EpochInfo;
  return { kek: kekOf(id, info, input.bytes('vek'), input.bytes('p')) };
}

export const keys: Record<string, Operation> = {
  pid,
  'holder-id': (input) => ({ id: holderId(input.bytes('pid'), input.bytes('signKey')) }),
  'chain-id': (input) => ({ id: chainId(input.bytes('pid'), input.bytes('device'), input.bytes('incarnation')) }),
  'passphrase-key': passphraseKey,
  kek,
  'kek-open': kekOpen,
  'wrap-key': (input) => ({ wrapKey: wrapKey(...at(input), input.bytes('vek')) }),
  'mesh-keys': (input) => ({
    meshLayerKey: meshLayerKey(...at(input), input.bytes('meshKey')),
    meshLinkKey: meshLinkKey(...at(input), input.bytes('meshKey')),
    mailPsk: mailPsk(...at(input), input.bytes('meshKey')),
  }),
  'name-key': (input) => ({ nameKey: nameKey(input.bytes('pid'), input.bytes('nameRoot'), input.bytes('storeId')) }),
};
