/** Published vectors (vectors/README.md), each through every provider, with the verdict that the file has. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Bytes, concat } from '../../src/bytes.ts';
import { type HpkeMode, isReceiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { aeadProviders, questions } from './aead.ts';
import { bareArgon2, ourArgon2 } from './argon2.ts';
import { littleEndian } from './curve.ts';
import { askRule } from './ed25519.ts';
import { type Answer, type Findings, REFUSED, type Run } from './findings.ts';
import { hkdfProviders, hmacProviders, sha256Providers } from './hashes.ts';
import { hpkeOpens, hpkeSeals } from './hpke.ts';
import type { Platform } from './platform.ts';
import { Input, type VectorFile } from './vector.ts';
import type { WebCrypto } from './webcrypto.ts';
import { x25519Providers } from './x25519.ts';

type Questions = Record<string, Run | undefined>;
/** The questions of one vector and the answer that is right. `expected` reads a field of the result: REFUSED where there is none. */
type Operation = (input: Input, expected: (...fields: string[]) => Answer) => [Questions, Answer];

/** Whether a vector is asked here: its operation has more than one provider, and it uses nothing that we have not. */
export function isAsked({ op, in: fields }: VectorFile['vectors'][number]): boolean {
  const input = new Input(fields);
  if (op.startsWith('hpke-')) return ['hpke-open', 'hpke-seal'].includes(op) && !input.has('aad');
  if (op === 'argon2id-function') return !input.has('secret') && input.number('length') === 32;
  return OTHERS.includes(op);
}

const OTHERS: readonly string[] = [
  ...['sha256', 'hmac-sha256', 'hkdf', 'aes-256-gcm-seal', 'aes-256-gcm-open', 'argon2id'],
  ...['x25519', 'x25519-function', 'x25519-public', 'ed25519-sign', 'ed25519-verify'],
];

/** Returns how many it asked. */
export async function askPublished(
  findings: Findings,
  platform: Platform,
  web: WebCrypto,
  files: readonly VectorFile[],
): Promise<number> {
  const known = operations(platform, web);
  const asked = files.flatMap(({ vectors }) => vectors.filter((vector) => isAsked(vector)));
  for (const { id, op, in: fields, expect } of asked) {
    const input = new Input(fields);
    const result = 'result' in expect ? new Input(expect.result) : undefined;
    if (op === 'ed25519-verify') {
      const [publicKey, message, signature] = [
        input.bytes('publicKey'),
        input.bytes('message'),
        input.bytes('signature'),
      ];
      await askRule(findings, platform, web, id, { publicKey, message, signature }, result !== undefined);
    } else {
      const expected = (...names: string[]) => (result ? concat(...names.map((name) => result.bytes(name))) : REFUSED);
      await findings.ask(id, ...(known[op] as Operation)(input, expected));
    }
  }
  return asked.length;
}

function operations(platform: Platform, web: WebCrypto): Readonly<Record<string, Operation>> {
  const { seals, opens, ourOpens } = aeadProviders(platform, web);
  return {
    sha256: (input, expected) => [sha256Providers(platform, web, input.bytes('message')), expected('digest')],
    'hmac-sha256'(input, expected) {
      const providers = hmacProviders(platform, web, input.bytes('key'), input.bytes('message'));
      return [cutTo(input.number('length'), providers), expected('tag')];
    },
    hkdf(input, expected) {
      const [ikm, salt, info] = [input.bytes('ikm'), input.bytes('salt'), input.bytes('info')];
      return [hkdfProviders(platform, web, { ikm, salt, info, length: input.number('length') }), expected('okm')];
    },
    'aes-256-gcm-seal'(input, expected) {
      const asked: [Bytes, Bytes, Bytes] = [input.bytes('key'), input.bytes('nonce'), input.bytes('plaintext')];
      return [questions(seals, asked), expected('ciphertext', 'tag')];
    },
    'aes-256-gcm-open'(input, expected) {
      const [key, nonce] = [input.bytes('key'), input.bytes('nonce')];
      const ours = key.length !== 32 || nonce.length !== 12;
      const sealed = concat(input.bytes('ciphertext'), input.bytes('tag'));
      return [questions(ours ? ourOpens : opens, [key, nonce, sealed]), expected('plaintext')];
    },
    'argon2id-function': (input, expected) => [bareArgon2(platform, ...argon2(input)), expected('tag')],
    argon2id(input, expected) {
      const [ours, answer] = [ourArgon2(platform, ...argon2(input)), expected('tag')];
      return [answer === REFUSED ? ours : { ...ours, ...bareArgon2(platform, ...argon2(input)) }, answer];
    },
    // The rule on keys is ours alone, and narrower than X25519: see x25519.ts.
    x25519(input, expected) {
      const [privateKey, publicKey, answer] = [input.bytes('privateKey'), input.bytes('publicKey'), expected('shared')];
      if (answer === REFUSED) return [{ ours: () => isReceiveKey(publicKey) }, false];
      return [x25519Providers(platform, web, privateKey, publicKey), answer];
    },
    'x25519-function': (input, expected) => [
      x25519Providers(platform, web, input.bytes('scalar'), input.bytes('u')),
      expected('u'),
    ],
    'x25519-public'(input, expected) {
      const privateKey = input.bytes('privateKey');
      const providers = x25519Providers(platform, web, privateKey, littleEndian(9n));
      return [{ ...providers, ours: () => receivePublicOf(privateKey) }, expected('publicKey')];
    },
    'ed25519-sign'(input, expected) {
      const [seed, message] = [input.bytes('seed'), input.bytes('message')];
      const { provider } = platform;
      const sign: Questions = {
        noble: () => ed25519.sign(message, seed),
        shell: provider?.ed25519Sign && (() => provider.ed25519Sign!(seed, message)),
        WebCrypto: web.ed25519Sign && (() => web.ed25519Sign!(seed, message)),
      };
      return [sign, expected('signature')];
    },
    'hpke-open'(input, expected) {
      const sealed = concat(input.bytes('enc'), input.bytes('ciphertext'));
      return [hpkeOpens(platform, web, input.bytes('privateKey'), modeOf(input), sealed), expected('plaintext')];
    },
    'hpke-seal'(input, expected) {
      const [publicKey, plaintext, ikm] = [input.bytes('publicKey'), input.bytes('plaintext'), input.bytes('ikmE')];
      return [hpkeSeals(web, publicKey, modeOf(input), plaintext, ikm), expected('enc', 'ciphertext')];
    },
  };
}

function modeOf(input: Input): HpkeMode {
  const info = input.bytes('info');
  return input.has('psk') ? { info, psk: input.bytes('psk'), pskId: input.bytes('pskId') } : { info };
}

function argon2(input: Input) {
  const cost = { memoryKiB: input.number('memoryKiB'), passes: input.number('passes'), lanes: input.number('lanes') };
  return [input.bytes('password'), input.bytes('salt'), cost] as const;
}

function cutTo(length: number, providers: Questions): Questions {
  const cut = (run: Run) => async () => ((await run()) as Bytes).subarray(0, length);
  return Object.fromEntries(Object.entries(providers).map(([name, run]) => [name, run && cut(run)]));
}
