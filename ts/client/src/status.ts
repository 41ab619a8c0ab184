import { isUnknown } from './capnp/index.js';
import { PodherdError } from './errors.js';
import type * as wire from './generated/podherd.js';
import { signalName } from './signals.js';

/** In the order of a container's life; a container never goes back. */
export type ContainerState = 'creating' | 'created' | 'running' | 'exited';

/** A moment by the wall clock. */
export interface Timestamp {
  /** To the millisecond, which is as much as a Date holds. */
  date: Date;
  /** Nanoseconds since 1970, exact. */
  unixNanoseconds: bigint;
}

/**
 * Why an end is not known: it ended while no server watched it; the kernel gave no status; or another
 * client created the container, on a server that tells exits only to whoever created it.
 */
export type ExitUnknownReason = 'ended-unwatched' | 'status-unavailable' | 'created-elsewhere';

/** What is known of a container's end. */
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

/** What is known of a container. */
export interface ContainerStatus {
  id: string;
  state: ContainerState;
  /** Pid of init while it lives, in the server's pid namespace. */
  pid: number | null;
  bundle: string;
  terminal: boolean;
  createdAt: Timestamp | null;
  startedAt: Timestamp | null;
  /** Null until the state is `exited`. */
  exit: ExitState | null;
  logPaths: string[];
  /** Bytes of output that no sink could take, because of a full disk for example. */
  droppedLogBytes: number;
}

/** A status as the server sent it. */
export function statusFromWire(status: wire.ContainerStatus | undefined): ContainerStatus {
  if (status === undefined) throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a status');
  const { id, state, pid, bundlePath, terminal, createdAt, startedAt, exit, logPaths, droppedLogBytes } =
    status;
  if (isUnknown(state)) {
    throw new PodherdError(
      'UNIMPLEMENTED',
      `the server knows a container state that this client does not: ${state}`,
    );
  }
  return {
    id,
    state,
    pid: pid === 0 ? null : pid,
    bundle: bundlePath,
    terminal,
    createdAt: timestampFromWire(createdAt),
    startedAt: timestampFromWire(startedAt),
    exit: exit === undefined || state !== 'exited' ? null : exitFromWire(exit),
    logPaths,
    droppedLogBytes: Number(droppedLogBytes),
  };
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

/** Now, or the moment of a Date. */
export function timestampOf(date: Date): Timestamp {
  return { date, unixNanoseconds: BigInt(date.getTime()) * 1_000_000n };
}

function exitFromWire(exit: wire.ExitState): ExitState {
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

function timestampFromWire(timestamp: wire.Timestamp | undefined): Timestamp | null {
  if (timestamp === undefined || (timestamp.seconds === 0n && timestamp.nanoseconds === 0)) return null;
  const unixNanoseconds = timestamp.seconds * 1_000_000_000n + BigInt(timestamp.nanoseconds);
  return { date: new Date(Number(unixNanoseconds / 1_000_000n)), unixNanoseconds };
}
