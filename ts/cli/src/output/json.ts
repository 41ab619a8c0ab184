import type { Timestamp } from '@podherd/client';

/**
 * One line of JSON. Moments are RFC 3339 in UTC with nanoseconds; numbers that a double can't hold are strings;
 * bytes are base64; what is not set is null.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(plainValue(value), null, indent);
}

/** A moment as RFC 3339 has it, with all its nanoseconds. */
export function rfc3339(timestamp: Pick<Timestamp, 'unixNanoseconds'>): string {
  const nanoseconds = ((timestamp.unixNanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (timestamp.unixNanoseconds - nanoseconds) / 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19);
  return `${whole}.${nanoseconds.toString().padStart(9, '0')}Z`;
}

function plainValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : String(value);
  }
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isTimestamp(value)) return rfc3339(value);
  if (isWireTimestamp(value)) {
    const unixNanoseconds = value.seconds * 1_000_000_000n + BigInt(value.nanoseconds);
    return rfc3339({ unixNanoseconds });
  }
  if (value instanceof Error) {
    return { code: 'code' in value ? value.code : null, message: value.message };
  }
  if (Array.isArray(value)) return value.map(plainValue);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainValue(each)]));
}

function isTimestamp(value: object): value is Timestamp {
  return 'unixNanoseconds' in value && typeof value.unixNanoseconds === 'bigint' && 'date' in value;
}

/** As the server's information has them. */
function isWireTimestamp(value: object): value is { seconds: bigint; nanoseconds: number } {
  return (
    Object.keys(value).length === 2 &&
    'seconds' in value &&
    typeof value.seconds === 'bigint' &&
    'nanoseconds' in value
  );
}
