import { describe, expect, test } from 'vitest';
import { Progress } from '../../src/cli/render/progress.ts';
import { fields, table } from '../../src/cli/render/table.ts';
import { and, bytes, plural, safe, safeJson, width, wrap } from '../../src/cli/render/text.ts';
import { date, relative, span } from '../../src/cli/render/time.ts';

const HOSTILE = 'a\u001b[2Jb\u202ec\u200bd\u2028e\u00a0f\u{e0041}g';

describe('text from other devices', () => {
  test('cannot move the cursor, turn the direction of writing or hide', () => {
    expect(safe(HOSTILE)).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{200b}d\\u{2028}e\\u{a0}f\\u{e0041}g');
    expect(safe('a\r\nb\tc')).toBe('a\\u{d}\\u{a}b\\u{9}c');
  });

  test('that is plain stays as it is, in every script', () => {
    for (const text of ['ssh/id_ed25519', 'Zürich', '日本', 'مفتاح', '🔑', 'a b']) expect(safe(text)).toBe(text);
  });

  test('is safe in JSON too, and the same after parsing', () => {
    const text = safeJson({ [HOSTILE]: [HOSTILE, 1, null] }, 2);
    expect(JSON.parse(text)).toEqual({ [HOSTILE]: [HOSTILE, 1, null] });
    expect(text).toMatch(/^[\n -~]*$/);
  });
});

describe('words and numbers', () => {
  test('read well', () => {
    expect([plural(0, 'kit'), plural(1, 'kit'), plural(2, 'kit')]).toEqual(['0 kits', '1 kit', '2 kits']);
    expect([and([]), and(['a']), and(['a', 'b']), and(['a', 'b', 'c'])]).toEqual(['', 'a', 'a and b', 'a, b and c']);
    expect([bytes(0), bytes(1023), bytes(1024), bytes(20 * 1024), bytes(1024 * 1024)]).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '20 KiB',
      '1.0 MiB',
    ]);
  });

  test('times are told from now', () => {
    const now = Date.UTC(2026, 10, 21, 12);
    const at = (ms: number) => relative(now + ms, now);
    expect([at(-1000), at(1000)]).toEqual(['just now', 'in less than a minute']);
    expect([at(-60_000), at(3_600_000), at(-2 * 86_400_000)]).toEqual(['1 minute ago', 'in 1 hour', '2 days ago']);
    expect(at(-31 * 86_400_000)).toMatch(/^2026-10-2\d$/);
    expect(span(8 * 3_600_000)).toBe('8 hours');
    expect(date(Number.MAX_SAFE_INTEGER)).toBe('no date');
  });

  test('lines break at spaces', () => {
    expect(wrap('one two three', 9, '  ')).toBe('  one two\n  three');
  });
});

describe('a table', () => {
  test('has columns as wide as their cells, also for wide and combining characters', () => {
    expect(width('日本')).toBe(4);
    expect(width('e\u0301')).toBe(1);
    const rows = [
      ['日本', '7'],
      ['abc', '12'],
    ];
    expect(table([{ title: 'KEY' }, { title: 'N', right: true }], rows)).toBe('KEY    N\n日本   7\nabc   12');
  });

  test('makes its cells safe', () => {
    expect(table([{ title: 'KEY' }], [['\u001b[2J']])).toBe('KEY\n\\u{1b}[2J');
    expect(fields([['Store', '\u001b[2J']])).toBe('Store  \\u{1b}[2J');
  });
});

describe('progress', () => {
  /** What is written when `done` goes from 0 to 100 in the given time. */
  function shown(bar: boolean, totalMs: number): string[] {
    const written: string[] = [];
    let now = 0;
    const progress = new Progress(
      (text) => written.push(text),
      bar,
      () => now,
    );
    for (let done = 0; done <= 100; done++) {
      now = (totalMs * done) / 100;
      progress.update('import', done, 100);
    }
    progress.clear();
    return written;
  }

  test('says nothing of what is quick', () => {
    expect(shown(true, 400)).toEqual([]);
  });

  test('is a line a second without a terminal', () => {
    const lines = shown(false, 3500);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^import: \d+\/100 \(\d+ %\)\n$/);
  });

  test('is a bar that takes itself away on a terminal', () => {
    const written = shown(true, 3500);
    expect(written[0]?.startsWith('\r\x1b[Kimport [#')).toBe(true);
    expect(written[0]).toMatch(/#\.+\] \d+\/100 \(\d+ %\)$/);
    expect(written.at(-1)).toBe('\r\x1b[K');
    expect(written.join('')).not.toContain('\n');
  });
});
