import { PodherdError } from '../errors.js';

const RFC3339 = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/** Nanoseconds since 1970 of an RFC 3339 time, to all its digits; null for anything else. */
export function nanosecondsOf(text: string): bigint | null {
  const [, whole, fraction = '', zone] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(`${whole?.replace(' ', 'T')}${zone}`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/**
 * A moment that a caller gives: a Date, milliseconds since 1970, or an RFC 3339 time.
 *
 * @throws PodherdError `INVALID_ARGUMENT`
 */
export function momentOf(name: string, moment: Date | number | string): bigint {
  if (typeof moment === 'string') {
    const exact = nanosecondsOf(moment);
    if (exact !== null) return exact;
  }
  const ms = typeof moment === 'number' ? moment : new Date(moment).getTime();
  if (Number.isFinite(ms)) return BigInt(Math.floor(ms * 1_000)) * 1_000n;
  throw new PodherdError(
    'INVALID_ARGUMENT',
    `${name} is a Date, milliseconds since 1970 or an RFC 3339 time, found ${JSON.stringify(moment)}`,
  );
}
