/** The beginning: a passport on one laptop, and the secrets that go into it. */
import { rmSync, statSync } from 'node:fs';
import { keepSession, run } from '../ceremony.ts';
import { sameEverywhere } from '../compare.ts';
import { filesBelow } from '../search.ts';
import { makeSecrets } from '../secrets.ts';
import type { Stage } from '../stage.ts';

export async function create(stage: Stage): Promise<void> {
  const { screen } = stage;
  const laptop = stage.machine('laptop');
  screen.say(
    'Maria starts with one laptop. The command makes the passport and two recovery kits: sheets of paper with 24 words each. Laptop, sheet, sheet: these three are the holders, and any two of them open it.',
  );
  const init = ['init', '--name', 'laptop', '--store', 'folder:../shared', '--kit-out', '../paper'];
  const made = await run(stage, laptop, init);
  keepSession(laptop, made);
  screen.check(
    made.threshold === 2 && made.holders === 3 && made.canLose === 1,
    'Two of three holders are needed, and one may be lost.',
  );
  screen.check(noteKits(stage, 'paper') === 2, 'Two kits of 24 words are there to be printed.');
  const open = [...filesBelow(stage.path('paper')).keys()].filter(
    (file) => (statSync(stage.path('paper', file)).mode & 0o077) !== 0,
  );
  screen.check(process.platform === 'win32' || open.length === 0, 'Nobody else on this machine can read them.');
}

/** The words of the kits in this directory are secrets as well. Returns how many kits there are. */
export function noteKits(stage: Stage, directory: string): number {
  let kits = 0;
  for (const [file, content] of filesBelow(stage.path(directory))) {
    if (!file.endsWith('.txt')) continue;
    const between = content.toString('utf8').split(/-----[A-Z ]+-----/)[1] ?? '';
    const words = between.match(/[a-z]+/g) ?? [];
    if (words.length === 24) kits++;
    stage.others.push({ what: `the words of ${file}`, bytes: Buffer.from(words.join(' ')) });
  }
  return kits;
}

export async function fill(stage: Stage): Promise<void> {
  const { screen, records } = stage;
  const laptop = stage.machine('laptop');
  const { secrets, keygen } = makeSecrets(laptop.path('secrets'));
  const count = stage.folders.reduce((sum, { records }) => sum + records.size, 0);
  const folders = stage.folders.map(({ path }) => path).join(' and ');
  screen.say(
    `These are real: an SSH key${keygen ? ', just made by ssh-keygen' : ''}; the 24 words of a wallet; a login in JSON; and ${count} files from ${folders}.`,
  );
  await Promise.all(secrets.map(({ key, file }) => run(stage, laptop, ['put', key, `secrets/${file}`])));
  for (const { key, value } of secrets) stage.expect(key, value);
  for (const { path, prefix, records: files, left } of stage.folders) {
    const { records: stored, skipped } = await run(stage, laptop, ['import', path, prefix]);
    for (const [key, value] of files) stage.expect(key, value);
    const others = left === 0 ? '' : `; ${left} that are links, too large or oddly named are left out, and listed`;
    screen.check(
      stored === files.size && skipped.length === left,
      `All ${files.size} files of ${prefix} went in${others}.`,
      () => JSON.stringify({ stored, skipped }),
    );
  }
  const { stores } = await run(stage, laptop, ['sync']);
  screen.check(stores[0].state === 'ok' && stores[0].behind === 0, 'The shared folder has everything, encrypted.');
  await sameEverywhere(stage, [laptop], `All ${records.size} records read back the same, byte for byte.`);
  rmSync(laptop.path('secrets'), { recursive: true });
  screen.say('Maria deletes key, seed and login. From now on they exist only in her passport.');
}
