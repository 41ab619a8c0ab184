import { isUnknown } from './capnp/index.js';
import { PodherdError } from './errors.js';
import { type ExitState, exitFromWire } from './exit-state.js';
import type { MapEntry } from './generated/conmon.js';
import type * as wire from './generated/podherd.js';
import { signalName } from './signals.js';
import { type Timestamp, timestampFromWire } from './timestamp.js';

/** In the order of a container's life; a container never goes back. */
export type ContainerState = 'creating' | 'created' | 'running' | 'exited';

/** A bound on what a container may write. Past it the container is held back, as by a full pipe; nothing is lost. */
export interface RateLimit {
  bytesPerSecond: number;
  /** What may be written at once after a time of silence. Default: what comes in one second. */
  burstBytes: number;
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
  /** As given at its creation. */
  labels: Record<string, string>;
  /** What `stop` sends first: "SIGTERM". */
  stopSignal: string;
  /** How long `stop` waits after it, in milliseconds. */
  stopGraceMs: number;
  /** Null: none. */
  rateLimit: RateLimit | null;
  /** How long its output was held back by the rate limit, in all, in milliseconds. */
  heldBackMs: number;
  /** Execs that run in it. */
  execs: number;
}

/** Milliseconds that `stop` waits where nothing else was said. The server's default is the same. */
export const DEFAULT_STOP_GRACE_MS = 10_000;
/** What `stop` sends first where nothing else was said. The server's default is the same. */
export const DEFAULT_STOP_SIGNAL = 'SIGTERM';

/** A status as the server sent it. */
export function statusFromWire(status: wire.ContainerStatus | undefined): ContainerStatus {
  if (status === undefined) throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a status');
  const { state, pid, exit, stopSignal, rateLimit } = status;
  if (isUnknown(state)) {
    throw new PodherdError(
      'UNIMPLEMENTED',
      `the server knows a container state that this client does not: ${state}`,
    );
  }
  return {
    id: status.id,
    state,
    pid: pid === 0 ? null : pid,
    bundle: status.bundlePath,
    terminal: status.terminal,
    createdAt: timestampFromWire(status.createdAt),
    startedAt: timestampFromWire(status.startedAt),
    exit: exit === undefined || state !== 'exited' ? null : exitFromWire(exit),
    logPaths: status.logPaths,
    droppedLogBytes: Number(status.droppedLogBytes),
    labels: mapFromWire(status.labels),
    stopSignal: stopSignal === 0 ? DEFAULT_STOP_SIGNAL : signalName(stopSignal),
    stopGraceMs: Number(status.stopGraceMillis),
    rateLimit:
      rateLimit === undefined || rateLimit.bytesPerSecond === 0n
        ? null
        : { bytesPerSecond: Number(rateLimit.bytesPerSecond), burstBytes: Number(rateLimit.burstBytes) },
    heldBackMs: millisecondsOf(status.heldBackNanos),
    execs: status.execs,
  };
}

/** A map as the protocol has it. */
export function mapFromWire(entries: readonly MapEntry[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

/** Nanoseconds of the wire, in milliseconds. */
export function millisecondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
