/** How long a command takes before it says something: milliseconds above a process of Node that does nothing. */
import { median, ms, paired, type Row, timed } from './measure.ts';
import type { Stage } from './stage.ts';

const ROUNDS = 21;
const MOST_MS = 60;

export function start(stage: Stage): Row[] {
  const at = stage.found();
  const { session: _, ...outside } = at;
  const bare = { ...stage.passport(outside), args: ['-e', '0'] };
  const commands = [
    { what: 'passport --help', program: stage.passport(outside, '--help') },
    { what: 'passport status, in a session', program: stage.passport(at, 'status') },
    { what: 'passport status, without one', program: stage.passport(outside, 'status') },
  ];
  const nothing: number[] = [];
  const times = commands.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    nothing.push(timed(bare).ms);
    for (const [i, { program }] of commands.entries()) times[i]?.push(timed(program).ms);
  }
  return commands.map(({ what }, i) => {
    const ours = times[i] as number[];
    const above = paired(ours, nothing, (a, b) => a - b);
    return {
      ...{ what, target: `<= +${ms(MOST_MS)}`, met: above <= MOST_MS },
      ours: ms(median(ours)),
      peer: `node -e 0 ${ms(median(nothing))}`,
      figure: `+${ms(above)}`,
    };
  });
}
