/** Vectors of slot 0. */
import { encode } from '../../../src/cbor.ts';
import { encodeCore, encodeEntry, type EntryCore, type EpochPart, type Holder } from '../../../src/format/entry.ts';
import { Registry } from '../../helpers/registry.ts';
import { flip, type Maker, row } from '../maker.ts';

type Refusal = 'parse' | 'bound' | 'key' | 'signature' | 'context' | 'policy' | 'epoch';

export async function foundings(m: Maker, honest: Registry): Promise<void> {
  const { pid } = honest;
  const entry = honest.founding.entry;
  await m.pass('founding', 'founding-valid', { pid, entry: entry.bytes });
  const two = await Registry.found('vector founding', { kinds: ['device', 'kit'], threshold: 2 });
  await m.pass('founding-2-of-2', 'founding-valid', { pid: two.pid, entry: two.founding.entry.bytes });
  const found = async (core: (core: EntryCore) => Partial<EntryCore>) => {
    const made = await Registry.found('vector founding lies', { core: (c) => ({ ...c, ...core(c) }) });
    return { pid: made.pid, entry: made.founding.entry.bytes };
  };
  const holders = (change: (all: readonly Holder[]) => Holder[]) => (c: EntryCore) => ({ holders: change(c.holders) });
  const part = (change: Partial<EpochPart>) => (c: EntryCore) => ({ epochPart: { ...c.epochPart!, ...change } });
  const bad: [string, Refusal, string, (core: EntryCore) => Partial<EntryCore>][] = [
    ['prev', 'context', 'prev is not the pid', () => ({ prev: row(1) })],
    ['slot', 'context', 'slot 1', () => ({ slot: 1 })],
    ['epoch', 'epoch', 'epoch 1', () => ({ epoch: 1 })],
    ['no-part', 'epoch', 'no epoch part', () => ({ epochPart: null })],
    ['round', 'context', 'round 1', (c) => ({ birth: { ...c.birth, round: 1 } })],
    ['unlock-devices', 'context', 'an unlock device', (c) => ({ unlockDevices: [c.holders[0]!.id] })],
    [
      'approval',
      'context',
      'an approval',
      (c) => ({ approvals: [{ holder: c.holders[0]!.id, signature: new Uint8Array(64) }] }),
    ],
    [
      'role',
      'context',
      'a role',
      (c) => ({ roles: [{ holder: c.holders[0]!.id, transcript: row(0), signature: new Uint8Array(64) }] }),
    ],
    ['random-31', 'parse', 'a random number of 31 bytes', () => ({ request: encode([row(0, 31)]) })],
    ['random-two', 'parse', 'two random numbers', () => ({ request: encode([row(0), row(1)]) })],
    ['random-other', 'context', 'another random number', () => ({ request: encode([row(0)]) })],
    ['threshold', 'context', 'another N', () => ({ threshold: 3 })],
    [
      'holder-less',
      'context',
      'a holder less',
      (c) => ({
        holders: c.holders.slice(0, 2),
        epochPart: { ...c.epochPart!, shares: c.epochPart!.shares.slice(0, 2) },
      }),
    ],
    ['holder-order', 'context', 'the holders in another order', holders((all) => [...all].reverse())],
    ['holder-seat', 'context', 'another seat', holders(([a, ...rest]) => [{ ...a!, seat: 9 }, ...rest])],
    ['holder-kind', 'context', 'another kind', holders(([a, b, c]) => [a!, { ...b!, kind: 'kit' }, c!])],
    [
      'holder-sign-key',
      'context',
      'another signing key',
      holders(([a, ...rest]) => [{ ...a!, signKey: rest[0]!.signKey }, ...rest]),
    ],
    [
      'holder-receive-key',
      'context',
      'another receive key',
      holders(([a, ...rest]) => [{ ...a!, receiveKey: rest[0]!.signKey }, ...rest]),
    ],
    ['holder-id', 'context', 'another id', holders(([a, ...rest]) => [...[{ ...a!, id: flip(a!.id) }], ...rest])],
    [
      'holder-name',
      'context',
      'a name with a control character',
      holders(([a, ...rest]) => [{ ...a!, name: 'a\u0007' }, ...rest]),
    ],
    ['link', 'context', 'a mesh link', part({ linkHash: row(1) })],
    ['kek-link', 'context', 'a KEK link', part({ kekLink: row(1) })],
    [
      'shares',
      'context',
      'a share is missing',
      (c) => ({ epochPart: { ...c.epochPart!, shares: c.epochPart!.shares.slice(1) } }),
    ],
    ['cost', 'bound', 'Argon2id with one lane too many', part({ cost: { memoryKiB: 65_536, passes: 3, lanes: 9 } })],
    [
      'vault-key',
      'signature',
      'another vault key',
      (c) => ({ epochPart: { ...c.epochPart!, vaultKey: c.holders[1]!.signKey } }),
    ],
    ['vault-key-zero', 'key', 'a vault key of zeros', part({ vaultKey: new Uint8Array(32) })],
    ['dealer-kit', 'context', 'the dealer is a kit', (c) => ({ birth: { round: 0, initiator: c.holders[2]!.id } })],
    [
      'dealer-other',
      'signature',
      'the dealer is another device',
      (c) => ({ birth: { round: 0, initiator: c.holders[1]!.id } }),
    ],
    ['dealer-nobody', 'context', 'the dealer is nobody', () => ({ birth: { round: 0, initiator: row(1, 16) } })],
  ];
  for (const [name, layer, why, change] of bad)
    await m.fail(`founding-${name}`, 'founding-valid', await found(change), layer, why);
  await m.fail('founding-pid', 'founding-valid', { pid: row(1), entry: entry.bytes }, 'context', 'another passport');
  for (const [name, kinds, threshold] of [
    ['2-of-4', 4, 2],
    ['2-of-5', 5, 2],
    ['3-of-6', 6, 3],
  ] as const) {
    const made = await Registry.found(`vector founding ${name}`, {
      kinds: Array.from({ length: kinds }, (_, i) => (i === 0 ? 'device' : 'kit')),
      threshold,
    });
    await m.fail(
      `founding-${name}`,
      'founding-valid',
      { pid: made.pid, entry: made.founding.entry.bytes },
      'policy',
      `${threshold} of ${kinds}: two quorums need not meet`,
    );
  }
  const core = encodeCore(entry.core);
  await m.fail(
    'founding-dealer-bit',
    'founding-valid',
    { pid, entry: encodeEntry(core, flip(entry.dealerSignature, 40), entry.vaultSignature) },
    'signature',
    'a bit of the dealer’s signature is flipped',
  );
  await m.fail(
    'founding-vault-bit',
    'founding-valid',
    { pid, entry: encodeEntry(core, entry.dealerSignature, flip(entry.vaultSignature, 40)) },
    'signature',
    'a bit of the vault signature is flipped',
  );
}
