/** The differential test on the Node at hand. `npm run differential` asks the other platforms too. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answers, answers } from './answers.ts';
import { pageScript, publishedFiles } from './bundle.ts';
import { nodeSide } from './node-side.ts';
import { isAsked } from './published.ts';
import type { VectorFile } from './vector.ts';
import { keepOneSecret } from './vault.ts';

const files = publishedFiles().map((path) => JSON.parse(readFileSync(path, 'utf8')) as VectorFile);
let said: Answers;

beforeAll(async () => {
  said = await answers(nodeSide, files);
}, 300_000);

describe('every primitive through each provider of this Node', () => {
  it('gives one answer, the one that is expected', () => {
    expect(said.wrong).toEqual([]);
    expect(said.wrongCount).toBe(0);
  });

  it('was asked of all of them', () => {
    expect(said.cases).toBeGreaterThan(1500);
    expect(Object.keys(said.providers).sort()).toEqual([
      'Node',
      'WebCrypto',
      'hash-wasm',
      'lax',
      'library over WebCrypto',
      'noble',
      'noble alone',
      'ours',
      'portable',
      'portable without WebCrypto',
      'shell',
    ]);
    for (const count of Object.values(said.providers)) expect(count).toBeGreaterThan(40);
  });

  it('includes each published vector of the operations that it knows', () => {
    const known = files.flatMap(({ vectors }) => vectors).filter((vector) => isAsked(vector));
    expect(said.published).toBe(known.length);
  });

  it('includes the sets of signatures that verifiers disagree about', () => {
    const sources = files.filter(({ subject }) => subject === 'ed25519').flatMap((file) => file.sources);
    for (const name of [/RFC 8032/, /Wycheproof/, /speccheck/, /CCTV/]) {
      expect(sources.some((source) => name.test(source.name))).toBe(true);
    }
    expect(said.published).toBeGreaterThan(1900);
  });

  it('includes signatures about which the platform’s own verifier differs from the rule', () => {
    expect(said.ownVerifierDiffers).toBeGreaterThan(50);
  });
});

describe('the core without Node', () => {
  it('bundles for a page, where a node:* import would stop the build', async () => {
    expect(await pageScript()).toContain('passport-mesh/v1/');
  });

  it('keeps a secret in memory, by the public index alone', async () => {
    expect(await keepOneSecret()).toEqual({ value: '1234', objects: 6, kits: 2 });
  });
});
