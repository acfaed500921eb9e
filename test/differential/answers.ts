/**
 * Every primitive through each provider that this platform has, on random and on hostile input. Runs in a browser and in Node;
 * all.ts compares what it returns between platforms.
 */
import { askAead } from './aead.ts';
import { askArgon2 } from './argon2.ts';
import { askEd25519 } from './ed25519.ts';
import { Findings, type Summary } from './findings.ts';
import { askHashes } from './hashes.ts';
import { askHpke } from './hpke.ts';
import type { Platform } from './platform.ts';
import { askPublished } from './published.ts';
import { askSharing } from './sharing.ts';
import { askText } from './text.ts';
import type { VectorFile } from './vector.ts';
import { webCrypto } from './webcrypto.ts';
import { askX25519 } from './x25519.ts';

export interface Answers extends Summary {
  /** Of the cases, those from vectors/published. */
  readonly published: number;
}

export async function answers(platform: Platform, files: readonly VectorFile[]): Promise<Answers> {
  const findings = new Findings();
  const web = await webCrypto();
  await askHashes(findings, platform, web);
  await askAead(findings, platform, web);
  await askArgon2(findings, platform);
  await askX25519(findings, platform, web);
  await askHpke(findings, platform, web);
  await askSharing(findings);
  await askText(findings);
  await askEd25519(findings, platform, web);
  const published = await askPublished(findings, platform, web, files);
  return { ...findings.summary(), published };
}
