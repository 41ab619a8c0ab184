import type { Timestamp } from '../generated/podherd.js';

/** Now, as the wire has it: to the millisecond, which is as much as a clock that tests may replace tells. */
export function timestampNow(): Timestamp {
  const now = Date.now();
  return { seconds: BigInt(Math.floor(now / 1_000)), nanoseconds: (now % 1_000) * 1_000_000 };
}

/** Bytes of what may be given as text. */
export function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data;
}
