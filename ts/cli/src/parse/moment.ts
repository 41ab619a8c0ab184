import { UsageFailure } from '../failure.js';
import { parseDuration } from './duration.js';

/**
 * A moment: "10m" is that long before `now`; else seconds since 1970, with fractions, or a date as in RFC 3339.
 *
 * @throws UsageFailure for anything else
 */
export function parseMoment(text: string, now: Date = new Date()): Date {
  if (/^\d{9,}(\.\d+)?$/.test(text)) return new Date(Number(text) * 1_000);
  if (/^\d+(\.\d+)?(ms|s|m|h|d)/.test(text)) return new Date(now.getTime() - parseDuration(text));
  const date = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new UsageFailure(
    `${JSON.stringify(text)} is no moment`,
    'moments look like 10m (ago), 2026-01-31T12:00:00Z, 1769860800',
  );
}
