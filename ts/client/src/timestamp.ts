import type * as wire from './generated/podherd.js';

/** A moment by the wall clock. */
export interface Timestamp {
  /** To the millisecond, which is as much as a Date holds. */
  date: Date;
  /** Nanoseconds since 1970, exact. */
  unixNanoseconds: bigint;
}

/** Now, or the moment of a Date. */
export function timestampOf(date: Date): Timestamp {
  return { date, unixNanoseconds: BigInt(date.getTime()) * 1_000_000n };
}

/** The moment of so many nanoseconds since 1970. */
export function timestampOfNanoseconds(unixNanoseconds: bigint): Timestamp {
  return { date: new Date(Number(unixNanoseconds / 1_000_000n)), unixNanoseconds };
}

/** A moment as the server sent it; null for one that is not known. */
export function timestampFromWire(timestamp: wire.Timestamp | undefined): Timestamp | null {
  if (timestamp === undefined || (timestamp.seconds === 0n && timestamp.nanoseconds === 0)) return null;
  return timestampOfNanoseconds(timestamp.seconds * 1_000_000_000n + BigInt(timestamp.nanoseconds));
}
