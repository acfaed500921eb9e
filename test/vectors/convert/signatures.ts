/**
 * The sets of Ed25519 signatures about which verifiers disagree: C2SP/CCTV and the twelve of "Taming the many EdDSAs". Neither
 * says which answer is right; ours is what the one signature rule says, computed by edwards25519.ts.
 */
import { fromHex, hex, utf8 } from '../../../src/bytes.ts';
import type { Vector } from '../schema.ts';
import { judge } from './edwards25519.ts';
import { type Converted, raw } from './files.ts';

const LAYERS_BY = 'test/vectors/convert/signatures.ts; layers by test/vectors/convert/edwards25519.ts';

interface Signed {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

function vector(id: string, source: string, signed: Signed, notes: string): Vector {
  const verdict = judge(fromHex(signed.publicKey), fromHex(signed.message), fromHex(signed.signature));
  const shared = { id, source, op: 'ed25519-verify', in: { ...signed } };
  if (verdict.valid) return { ...shared, expect: { result: { valid: true } }, why: `valid: ${notes}` };
  return { ...shared, expect: { refused: verdict.layer }, why: `${verdict.why} (${notes})` };
}

export async function cctvVectors(folder: string): Promise<Converted> {
  type Case = { number: number; key: string; sig: string; msg: string; flags: string[] | null };
  const cases = await raw<Case[]>(folder, 'cctv-ed25519.json');
  const vectors = cases.map(({ number, key, sig, msg, flags }) => {
    const input = { publicKey: key, message: hex(utf8(msg)), signature: sig };
    return vector(
      `ed25519-cctv-${number}`,
      `CCTV ed25519vectors.json, ${number}`,
      input,
      (flags ?? ['no flags']).join(', '),
    );
  });
  const source = {
    name: 'CCTV ed25519vectors.json',
    version: 'C2SP/CCTV 1e3d286, ed25519',
    licence: 'see C2SP/CCTV',
    how: `converted by ${LAYERS_BY}`,
  };
  return { subject: 'ed25519', prefix: 'ed25519-cctv', source, vectors };
}

/** Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020, table 6c. */
const SPECCHECK = [
  'S = 0, small A and R',
  'small A, mixed R',
  'mixed A, small R',
  'mixed A and R, both equations hold',
  'mixed A and R, only the cofactored equation holds',
  'mixed A and R, cofactored holds only when 8h is not reduced mod L',
  'S > L, large',
  'S >> L',
  'mixed A, small non-canonical R, reduced for the hash',
  'mixed A, small non-canonical R, not reduced for the hash',
  'small non-canonical A, mixed R, reduced for the hash',
  'small non-canonical A, mixed R, not reduced for the hash',
];

export async function speccheckVectors(folder: string): Promise<Converted> {
  type Case = { message: string; pub_key: string; signature: string };
  const cases = await raw<Case[]>(folder, 'speccheck-ed25519.json');
  const vectors = cases.map((each, i) => {
    const input = { publicKey: each.pub_key, message: each.message, signature: each.signature };
    return vector(`ed25519-speccheck-${i}`, `ed25519-speccheck cases.json, ${i}`, input, SPECCHECK[i] as string);
  });
  const source = {
    name: 'ed25519-speccheck cases.json ("Taming the many EdDSAs")',
    version: 'novifinancial/ed25519-speccheck',
    licence: 'Apache-2.0',
    how: `converted by ${LAYERS_BY}`,
  };
  return { subject: 'ed25519', prefix: 'ed25519-speccheck', source, vectors };
}
