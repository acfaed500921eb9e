/**
 * `npm run vectors`: makes vectors/protocol again, byte for byte, and those stored passports of vectors/compat/v1 that are not
 * there yet. With names of subjects, only these.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeCompat } from './make/compat.ts';
import { SUBJECTS } from './make/all.ts';
import { written } from './maker.ts';

const vectors = join(process.cwd(), 'vectors');
const wanted = process.argv.slice(2);

await mkdir(join(vectors, 'protocol'), { recursive: true });
for (const [name, make] of Object.entries(SUBJECTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = Date.now();
  const file = (await make()).file();
  const text = written(file);
  await writeFile(join(vectors, 'protocol', `${file.subject}.json`), text);
  const refused = file.vectors.filter(({ expect }) => 'refused' in expect).length;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${file.subject}: ${file.vectors.length} vectors, ${refused} must fail, ${text.length} bytes, ${seconds} s\n`,
  );
}
if (wanted.length === 0) await makeCompat(join(vectors, 'compat', 'v1'));
