/** Every row of the table in docs/protocol.md, 3, computed a second time with node:crypto and statements written out by hand. */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Bytes, hex } from '../../src/bytes.ts';
import * as keys from '../../src/crypto/keys.ts';
import { kitKeys } from '../../src/crypto/kit.ts';
import { publicKeyOf } from '../../src/crypto/sign.ts';
import { codeOf } from '../helpers/codes.ts';
import { x25519 } from '../helpers/hpke.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('keys');
const [pid, vek, p, kek, mesh, nameRoot, signKey] = Array.from({ length: 7 }, () => random(32)) as [
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
];
const device = random(16);
const incarnation = random(16);
const storeId = random(10);
const EPOCH = 300; // 19012c

describe('keys of an epoch', () => {
  const rows: [string, Bytes, string, Bytes][] = [
    ['vaultLayerKey', kek, 'vault-layer', keys.vaultLayerKey(pid, EPOCH, kek)],
    ['kekLinkKey', kek, 'kek-link', keys.kekLinkKey(pid, EPOCH, kek)],
    ['vaultSigningSeed', kek, 'vault-sign', keys.vaultSigningSeed(pid, EPOCH, kek)],
    ['wrapKey', vek, 'wrap', keys.wrapKey(pid, EPOCH, vek)],
    ['meshLayerKey', mesh, 'mesh-layer', keys.meshLayerKey(pid, EPOCH, mesh)],
    ['meshLinkKey', mesh, 'mesh-link', keys.meshLinkKey(pid, EPOCH, mesh)],
    ['mailPsk', mesh, 'mail-psk', keys.mailPsk(pid, EPOCH, mesh)],
  ];
  it.each(rows)('%s is HKDF of its parent with its own label', (_, parent, use, key) => {
    expect(hex(key)).toBe(hkdf(parent, statement(use, '19012c')));
  });

  it('kekFrom takes both VEK and P', () => {
    const v = Buffer.from(hkdf(vek, statement('vek-to-kek', '19012c')), 'hex');
    const expected = Buffer.from(hkdfSync('sha256', p, v, statement('kek', '19012c'), 32)).toString('hex');
    expect(hex(keys.kekFrom(pid, EPOCH, vek, p))).toBe(expected);
    expect(hex(keys.kekFrom(pid, EPOCH, p, vek))).not.toBe(expected);
  });

  it('kekCheck is an HMAC of the pid under a key from KEK', () => {
    const key = Buffer.from(hkdf(kek, statement('kek-check', '19012c')), 'hex');
    expect(hex(keys.kekCheck(pid, EPOCH, kek))).toBe(createHmac('sha256', key).update(pid).digest('hex'));
  });

  it('differ by passport and epoch', () => {
    const other = random(32);
    const all = [
      keys.vaultLayerKey(pid, 1, kek),
      keys.vaultLayerKey(pid, 2, kek),
      keys.vaultLayerKey(other, 1, kek),
      keys.vaultLayerKey(pid, 1, other),
    ];
    expect(new Set(all.map(hex)).size).toBe(4);
  });

  it('are not derived from a cut or empty parent', () => {
    for (const short of [new Uint8Array(0), kek.subarray(1)]) {
      expect(codeOf(() => keys.vaultLayerKey(pid, 1, short))).toBe('TypeError');
      expect(codeOf(() => keys.kekFrom(pid, 1, vek, short))).toBe('TypeError');
      expect(codeOf(() => keys.kekFrom(pid, 1, short, p))).toBe('TypeError');
    }
  });

  it('leave their parents alone', () => {
    const before = [vek, p, kek].map(hex);
    keys.kekFrom(pid, EPOCH, vek, p);
    keys.kekCheck(pid, EPOCH, kek);
    expect([vek, p, kek].map(hex)).toEqual(before);
  });
});

describe('nameKey', () => {
  it('is HKDF of the name root with the store id', () => {
    expect(hex(keys.nameKey(pid, nameRoot, storeId))).toBe(hkdf(nameRoot, statement('names', `4a${hex(storeId)}`)));
  });
});

describe('ids', () => {
  it('of holders and chains are the first 16 bytes of their statements', () => {
    expect(hex(keys.holderId(pid, signKey))).toBe(sha256(statement('holder', `5820${hex(signKey)}`)).slice(0, 32));
    const chain = statement('chain', `50${hex(device)}`, `50${hex(incarnation)}`);
    expect(hex(keys.chainId(pid, device, incarnation))).toBe(sha256(chain).slice(0, 32));
    expect(keys.holderId(pid, signKey).buffer.byteLength).toBe(16);
  });

  it('of a passport bind its founders, randomness and threshold', () => {
    const [sign1, receive1, sign2, receive2, nonce] = Array.from({ length: 5 }, () => random(32));
    const b32 = (bytes: Bytes | undefined) => `5820${hex(bytes as Bytes)}`;
    const expected = Buffer.concat([
      Buffer.from('86', 'hex'),
      text('passport-mesh/v1/passport-id'),
      Buffer.from(`0182840100${b32(sign1)}${b32(receive1)}840201${b32(sign2)}${b32(receive2)}${b32(nonce)}0203`, 'hex'),
    ]);
    const id = keys.passportId(
      [
        [1, 0, sign1 as Bytes, receive1 as Bytes],
        [2, 1, sign2 as Bytes, receive2 as Bytes],
      ],
      nonce as Bytes,
      2,
      3,
    );
    expect(hex(id)).toBe(sha256(expected));
  });
});

describe('kitKeys', () => {
  const entropy = random(32);

  it('are HKDF of the bytes on the paper, without a pid', () => {
    const kit = kitKeys(entropy);
    const label = (which: string) =>
      Buffer.concat([Buffer.from('83', 'hex'), text('passport-mesh/v1/kit'), Buffer.from([1]), text(which)]);
    expect(hex(kit.signSeed)).toBe(hkdf(entropy, label('sign')));
    expect(hex(kit.receivePrivate)).toBe(hkdf(entropy, label('receive')));
    expect(hex(kit.signKey)).toBe(hex(publicKeyOf(kit.signSeed)));
    expect(hex(kit.receiveKey)).toBe(
      x25519(kit.receivePrivate, Buffer.from(`09${'00'.repeat(31)}`, 'hex')).toString('hex'),
    );
  });

  it('need 32 bytes', () => {
    expect(codeOf(() => kitKeys(entropy.subarray(1)))).toBe('TypeError');
  });
});

/** CBOR by hand: [label and use, 1, pid, …fields already encoded]. */
function statement(use: string, ...fields: string[]): Buffer {
  const head = Buffer.from([0x83 + fields.length]);
  const rest = Buffer.from(`015820${hex(pid)}${fields.join('')}`, 'hex');
  return Buffer.concat([head, text(`passport-mesh/v1/${use}`), rest]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(bytes.length < 24 ? [0x60 + bytes.length] : [0x78, bytes.length]), bytes]);
}

function hkdf(ikm: Bytes, info: Buffer): string {
  return Buffer.from(hkdfSync('sha256', ikm, '', info, 32)).toString('hex');
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
