import { PodherdError } from '../errors.js';
import type * as wire from '../generated/podherd.js';
import type { CallOptions } from '../rpc/deadline.js';
import { millisecondsOf } from '../status.js';
import { type Timestamp, timestampFromWire } from '../timestamp.js';
import { type ContainerStats, containerStatsFromWire } from './container-stats.js';

export interface StatsOptions extends CallOptions {
  /** Of these containers, which have to live. Default: all that live. */
  ids?: readonly string[] | undefined;
}

/** What the server itself uses and has. */
export interface ServerStats {
  at: Timestamp | null;
  userMs: number;
  systemMs: number;
  residentBytes: number;
  /** The part of it that is the server's own: not pages of files. */
  anonymousBytes: number;
  descriptors: number;
  threads: number;
  connections: number;
  /** That are kept, ended ones included. */
  containers: number;
  living: number;
  /** That run. */
  execs: number;
  eventWatches: number;
  /** Of the next event. */
  nextSequence: bigint;
}

/** What containers use, and the server. */
export interface PodStats {
  containers: ContainerStats[];
  server: ServerStats;
}

/** Stats as the server sent them. */
export function podStatsFromWire({ containers, server }: wire.StatsResults): PodStats {
  if (server === undefined) throw new PodherdError('PROTOCOL_ERROR', 'the server answered without its stats');
  return {
    containers: containers.map(containerStatsFromWire),
    server: {
      at: timestampFromWire(server.at),
      userMs: millisecondsOf(server.userNanos),
      systemMs: millisecondsOf(server.systemNanos),
      residentBytes: Number(server.residentBytes),
      anonymousBytes: Number(server.anonymousBytes),
      descriptors: server.descriptors,
      threads: server.threads,
      connections: server.connections,
      containers: server.containers,
      living: server.living,
      execs: server.execs,
      eventWatches: server.eventWatches,
      nextSequence: server.nextSequence,
    },
  };
}
