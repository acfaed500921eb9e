/** The answers of the Node that runs this, as one line of JSON. Arguments: files of published vectors. all.ts bundles and starts it. */
import { readFileSync } from 'node:fs';
import { answers } from './answers.ts';
import { nodeSide } from './node-side.ts';
import type { VectorFile } from './vector.ts';
import { keepOneSecret } from './vault.ts';

const files = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as VectorFile);
const { node, v8, openssl, unicode } = process.versions;
console.log(
  JSON.stringify({
    version: `Node ${node}`,
    parts: `OpenSSL ${openssl}, V8 ${v8}, Unicode ${unicode}`,
    answers: await answers(nodeSide, files),
    vault: await keepOneSecret(),
  }),
);
