/**
 * `npm run bench`: the numbers of docs/benchmarks.md, each as a ratio to its peer in the same run. With arguments only the named
 * parts: `npm run bench -- start unlock bulk idle s3`. Ends with 1 when a target is missed.
 */
import { cpus, loadavg } from 'node:os';
import { bulk } from './bulk.ts';
import { idle } from './idle.ts';
import { s3 } from './s3.ts';
import { type Row, table } from './measure.ts';
import { Stage } from './stage.ts';
import { start } from './start.ts';
import { unlock } from './unlock.ts';

const PARTS: Readonly<Record<string, (stage: Stage) => Row[] | Promise<Row[]>>> = { start, unlock, bulk, idle, s3 };

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in PARTS));
if (unknown.length > 0)
  throw new TypeError(`no part is called ${unknown.join(', ')}: ${Object.keys(PARTS).join(', ')}`);

const cores = cpus();
console.log(
  `Node ${process.version}, ${cores.length} x ${cores[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}`,
);
const stage = new Stage();
const rows: Row[] = [];
for (const [name, part] of Object.entries(PARTS)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.error(`measuring: ${name}`);
  rows.push(...(await part(stage)));
}
console.log(`\n${table(rows)}\n`);
if (rows.some(({ met }) => met === false)) process.exitCode = 1;
