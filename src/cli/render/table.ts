/** A small table: columns as wide as their cells, two spaces apart. Cells are made safe here. */
import { safe, width } from './text.ts';

export interface Column {
  readonly title: string;
  readonly right?: true;
}

export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style = (title: string) => title,
): string {
  const cells = rows.map((row) => row.map(safe));
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...cells.map((row) => width(row[i] ?? ''))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat((widths[i] as number) - width(cell));
        return columns[i]?.right ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [style(line(columns.map(({ title }) => title))), ...cells.map(line)].join('\n');
}

/** "Passport   able acid …": names to the left, values to the right. Values are made safe here. */
export function fields(rows: readonly (readonly [string, string])[]): string {
  const left = Math.max(...rows.map(([name]) => width(name)));
  return rows.map(([name, value]) => `${name}${' '.repeat(left - width(name))}  ${safe(value)}`.trimEnd()).join('\n');
}
