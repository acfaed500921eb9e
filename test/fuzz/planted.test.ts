/** A green fuzzer means something: faults that somebody could make are planted, and each is found by the rule that is meant for it. */
import { beforeAll, describe, expect, it, vi } from 'vitest';

import type { Bytes } from '../../src/bytes.ts';
import { decode, encode } from '../../src/cbor.ts';
import { PassportError } from '../../src/errors.ts';
import { encodeHello, type PairHello } from '../../src/format/pairing.ts';
import { type Decoder, decoderTarget } from './decoder.ts';
import { decoder, formatDecoders } from './decoders-format.ts';
import { sealedDecoders } from './decoders-sealed.ts';
import { harvest, type Harvest } from './harvest.ts';
import { fixed, run, type Tally } from './run.ts';
import { Secrets } from './secrets.ts';
import { storeTargets } from './store.ts';
import type { Target } from './target.ts';

/** Which faults stand now. */
const planted = vi.hoisted(() => ({ cut: false, entry: false, certificate: false, parse: false }));

vi.mock(import('../../src/registry/valid.ts'), async (original) => {
  const real = await original();
  return {
    ...real,
    checkEntry: async (...given) => (planted.entry ? undefined : real.checkEntry(...given)),
    checkCertificate: (...given) => (planted.certificate ? undefined : real.checkCertificate(...given)),
  };
});

vi.mock(import('../../src/records/quarantine.ts'), async (original) => {
  const real = await original();
  // eslint-disable-next-line typescript/unbound-method -- it is called with its `this`
  const { standing } = real.Cuts.prototype;
  real.Cuts.prototype.standing = async function (row) {
    return planted.cut ? 'valid' : standing.call(this, row);
  };
  return real;
});

vi.mock(import('../../src/format/votes.ts'), async (original) => {
  const real = await original();
  return {
    ...real,
    parseRegistryObject: (bytes) => {
      if (planted.parse && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) > bytes.length)
        throw new RangeError();
      return real.parseRegistryObject(bytes);
    },
  };
});

let behind: Harvest;
beforeAll(async () => {
  behind = await harvest('behind');
});

/** The rules that are broken in so many cases. */
async function rulesBroken(target: Target, cases: number): Promise<string[]> {
  const rules = new Set<string>();
  await run({
    ...{ seed: 'planted', targets: [target], ...fixed(() => cases) },
    onFinding: async (_tally, _number, _input, { rule }) => {
      rules.add(rule);
    },
  });
  return [...rules].sort();
}

async function named(name: string): Promise<Decoder> {
  const all = [...formatDecoders([behind]), ...(await sealedDecoders(behind))];
  return all.find((each) => each.name === name) as Decoder;
}

const secrets = () => {
  const list = new Secrets();
  list.addText('the passphrase', 'correct horse battery staple');
  return list;
};

const asTarget = (of: Decoder) => decoderTarget(of, secrets(), [encode([1])]) as Target;

describe('a fault in a decoder is found', () => {
  it('nothing in the real one', async () => {
    expect(await rulesBroken(asTarget(await named('format/pairing.parseHello')), 300)).toEqual([]);
  });

  const good = (): Decoder => ({
    ...decoder({
      ...{ name: 'planted', samples: [encode([1, 'a', new Uint8Array(32)])], codes: ['malformed'] },
      ...{ decode: (input: Bytes) => decode(input), again: encode },
    }),
  });
  const faults: [string, string, (real: Decoder) => Decoder][] = [
    [
      'a TypeError at one byte',
      'error',
      (real) => ({
        ...real,
        decode: (input) => {
          if (input[3] === 0x58) (undefined as unknown as Bytes).slice();
          return real.decode(input);
        },
      }),
    ],
    [
      'a field that is read and not checked',
      'error',
      (real) => ({
        ...real,
        decode: (input) => ((decode(input) as [number, string, Bytes])[2].subarray(0, 4), decode(input)),
      }),
    ],
    [
      'a code that is not in its contract',
      'code',
      (real) => ({
        ...real,
        decode: (input) => {
          if (input.length < 5) throw new PassportError('damaged', 'short');
          return real.decode(input);
        },
      }),
    ],
    [
      'bytes after the end that are passed over',
      'accepted',
      (real) => ({ ...real, decode: (input) => decode(input.slice(0, 38)) }),
    ],
    [
      'a secret in a message',
      'secret',
      (real) => ({
        ...real,
        decode: () => {
          throw new PassportError('malformed', 'x', { details: { tried: 'correct horse battery staple' } });
        },
      }),
    ],
    [
      'a length that is believed',
      'memory',
      (real) => ({
        ...real,
        decode: (input) => {
          const length = input.length > 8 ? new DataView(input.buffer, input.byteOffset).getUint32(4) : 0;
          return new Uint8Array(length % 2 ** 28).length === 1 ? undefined : real.decode(input);
        },
      }),
    ],
  ];
  it.each(faults)('%s', async (_name, rule, plant) => {
    expect(await rulesBroken(asTarget(plant(good())), 400)).toContain(rule);
  });

  it('an object that opens though its commitment or tag is wrong', async () => {
    const real = await named('crypto/object.openObject');
    const plant: Decoder = { ...real, decode: async (input) => Promise.resolve(real.decode(input)).catch(() => input) };
    expect(await rulesBroken(asTarget(plant), 50)).toContain('accepted');
  });

  it('a hello whose shape is not checked', async () => {
    const real = await named('format/pairing.parseHello');
    const plant: Decoder = {
      ...real,
      decode: (input) => {
        const [signKey, receiveKey, kind, name, platform, nonce, possession] = decode(input) as never[];
        return { signKey, receiveKey, kind, name, platform, nonce, possession };
      },
      again: (value) => encodeHello(value as PairHello),
    };
    expect(await rulesBroken(asTarget(plant), 300)).not.toEqual([]);
  });
});

describe('a check that is left out is found by devices that look at a store', () => {
  /** With seeds whose first cases hold what shows the fault: others take longer. */
  const faults = [
    ['the cut of a revoked device', 'revoked', 'away', { cut: true }, 'planted 179'],
    ['entry and certificate', 'behind', 'away', { entry: true, certificate: true }, 'planted 173'],
    ['the length of a part of a registry object', 'behind', 'away', { parse: true }, 'planted 31'],
  ] as const;
  it.each(faults)('%s', async (_name, scene, observer, fault, seed) => {
    const targets = await storeTargets([scene]);
    const target = targets.find(({ name }) => name.endsWith(observer)) as unknown as Target;
    await target.run(target.read({ scene, observer, ops: [] }));
    Object.assign(planted, fault);
    const rules = await firstRule(target, seed, 150);
    Object.assign(planted, { cut: false, entry: false, certificate: false, parse: false });
    expect(rules).toBe('parse' in fault ? 'error' : 'state');
  });
});

/** The rule of the first finding within so many cases. */
async function firstRule(target: Target, seed: string, cases: number): Promise<string | undefined> {
  let found: string | undefined;
  await run({
    ...{ seed, targets: [target], next: (tallies) => tallies[0] as Tally },
    more: ([tally]) => found === undefined && (tally?.cases ?? 0) < cases,
    onFinding: async (_tally, _number, _input, { rule }) => {
      found = rule;
    },
  });
  return found;
}
