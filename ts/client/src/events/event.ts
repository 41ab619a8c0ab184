import type { PodherdError } from '../errors.js';
import type { ExitState } from '../exit-state.js';
import type { Timestamp } from '../timestamp.js';

/** Why an attach client is gone: by itself; with the output's end; cut off, being too far behind; with the server. */
export type DetachReason = 'left' | 'ended' | 'behind' | 'shutdown';

/** What every event of a container says. */
export interface EventCommon {
  /** Its number in this life of the server; they begin with 1 and have no holes. */
  sequence: bigint;
  /** The life of the server (`ServerInfo.instance`). */
  instance: string;
  at: Timestamp;
  containerId: string;
}

/** What happened to a container. */
export type ContainerEvent = EventCommon &
  (
    | { type: 'created'; pid: number; labels: Record<string, string> }
    | { type: 'started' }
    /** The same as the status has from then on. */
    | { type: 'exited'; exit: ExitState }
    /** The kernel killed a process of it for memory; init may live on. */
    | { type: 'oomKilled' }
    | { type: 'execStarted'; execId: bigint; pid: number; command: string[] }
    /** One of both is null. With a `failure` the command could not be started, and there was no `execStarted`. */
    | { type: 'execExited'; execId: bigint; exit: ExitState | null; failure: PodherdError | null }
    /** `droppedBytes`: in all, by now. */
    | { type: 'logDropped'; droppedBytes: number; reason: string }
    /** The rate limit holds it back, or does no more. `totalMs`: in all, by now. */
    | { type: 'heldBack'; holding: boolean; totalMs: number }
    | { type: 'attached'; clientId: bigint; execSessionId: string | null }
    | { type: 'detached'; clientId: bigint; reason: DetachReason }
    /** Deleted, or forgotten for newer ones. */
    | { type: 'deleted' }
  );

/** Events that can't be had: what they would have said is to be learned from a snapshot. */
export interface EventGap {
  type: 'gap';
  /** How many; 0: not known. */
  lost: bigint;
  /** The life of the server of the events that come after it. */
  instance: string;
  /** They are not kept any more; or the server is another one than the position's, and begins with its oldest. */
  reason: 'behind' | 'otherInstance';
}

/** What a stream of events gives. */
export type PodEvent = ContainerEvent | EventGap;
