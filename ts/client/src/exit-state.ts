import type * as wire from './generated/podherd.js';
import { signalName } from './signals.js';
import { type Timestamp, timestampFromWire } from './timestamp.js';

/**
 * Why an end is not known: it ended while no server watched it; the kernel gave no status; or another
 * client created the container, on a server that tells exits only to whoever created it.
 */
export type ExitUnknownReason = 'ended-unwatched' | 'status-unavailable' | 'created-elsewhere';

/** What is known of the end of a container, or of an exec, of which what is said of logs does not hold. */
export interface ExitState {
  /** Whether code and signal are facts. They are never invented. */
  known: boolean;
  /** Why they are not; null when they are. */
  reason: ExitUnknownReason | null;
  /** Null when it was ended by a signal, or when it isn't known. */
  exitCode: number | null;
  /** Name of the signal that ended it ("SIGKILL"); null when it exited by itself, or when it isn't known. */
  signal: string | null;
  coreDumped: boolean;
  /** The kernel killed it for memory. */
  oomKilled: boolean;
  /** False when its output could not be read to its end, or not be written. */
  logComplete: boolean;
  /** False when the server's record on disk was not complete in time; what stands here is right all the same. */
  journaled: boolean;
  exitedAt: Timestamp | null;
}

/** An end of which nothing is known but that it happened. */
export function unknownExit(reason: ExitUnknownReason): ExitState {
  return {
    known: false,
    reason,
    exitCode: null,
    signal: null,
    coreDumped: false,
    oomKilled: false,
    logComplete: false,
    journaled: false,
    exitedAt: null,
  };
}

/** An end as the server sent it. */
export function exitFromWire(exit: wire.ExitState): ExitState {
  const { coreDumped, oomKilled, logComplete, journaled } = exit;
  const known = exit.knowledge === 'known';
  const bySignal = known && exit.signal !== 0;
  return {
    known,
    reason: known ? null : exit.knowledge === 'endedUnwatched' ? 'ended-unwatched' : 'status-unavailable',
    exitCode: known && !bySignal ? exit.exitCode : null,
    signal: bySignal ? signalName(exit.signal) : null,
    coreDumped,
    oomKilled,
    logComplete,
    journaled,
    exitedAt: timestampFromWire(exit.exitedAt),
  };
}
