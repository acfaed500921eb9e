/** Times for people. All times are milliseconds since 1970 and may be nonsense: clocks of other devices may be wrong. */
import { plural } from './text.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "5 minutes ago", "in 2 hours"; the date when it is more than 30 days away. */
export function relative(time: number, now: number): string {
  const away = Math.abs(time - now);
  if (away > 30 * DAY) return date(time).slice(0, 10);
  if (away < MINUTE) return time > now ? 'in less than a minute' : 'just now';
  const text = span(away);
  return time > now ? `in ${text}` : `${text} ago`;
}

/** "45 seconds", "8 hours": in the largest unit that fits, rounded. */
export function span(exact: number): string {
  const ms = Math.round(exact / 1000) * 1000;
  if (ms >= 2 * DAY) return plural(Math.round(ms / DAY), 'day');
  if (ms >= HOUR) return plural(Math.round(ms / HOUR), 'hour');
  if (ms >= MINUTE) return plural(Math.round(ms / MINUTE), 'minute');
  return plural(ms / 1000, 'second');
}

/** "2026-11-21 09:30" in the local time zone. */
export function date(time: number): string {
  const value = new Date(time);
  if (Number.isNaN(value.getTime())) return 'no date';
  const two = (number: number) => String(number).padStart(2, '0');
  const day = [String(value.getFullYear()).padStart(4, '0'), two(value.getMonth() + 1), two(value.getDate())].join('-');
  return `${day} ${two(value.getHours())}:${two(value.getMinutes())}`;
}
