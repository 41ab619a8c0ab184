import type * as wire from '../generated/podherd.js';
import { millisecondsOf } from '../status.js';
import { type Timestamp, timestampFromWire } from '../timestamp.js';
import { type Pressure, pressureFromWire } from './pressure.js';

/**
 * What a container uses, from its cgroup. Times are in milliseconds, since its creation; sizes in bytes. What the
 * cgroup's version or its controllers do not tell is 0.
 */
export interface ContainerStats {
  id: string;
  at: Timestamp | null;
  /** Null: it has no cgroup of its own, and only the log's figures are known. */
  cgroupVersion: 1 | 2 | null;
  cpu: {
    usageMs: number;
    userMs: number;
    systemMs: number;
    /** Periods of its quota, and those in which it used it up. */
    periods: number;
    throttledPeriods: number;
    throttledMs: number;
    pressure: Pressure | null;
  };
  memory: {
    /** With the page cache. */
    usageBytes: number;
    /** Usage without inactive file pages, as the kubelet counts it. */
    workingSetBytes: number;
    anonymousBytes: number;
    fileBytes: number;
    swapBytes: number;
    /** Null where the kernel does not tell. */
    peakBytes: number | null;
    /** Null: none. */
    limitBytes: number | null;
    oomKills: number;
    pressure: Pressure | null;
  };
  pids: {
    current: number;
    /** Null: none. */
    limit: number | null;
  };
  io: {
    readBytes: number;
    writeBytes: number;
    readOperations: number;
    writeOperations: number;
    pressure: Pressure | null;
  };
  log: {
    /** Read of its output so far. */
    bytes: number;
    droppedBytes: number;
    heldBackMs: number;
  };
}

/** Stats as the server sent them. */
export function containerStatsFromWire(stats: wire.ContainerStats): ContainerStats {
  const { cpu, memory, pids, io, log, cgroupVersion } = stats;
  return {
    id: stats.id,
    at: timestampFromWire(stats.at),
    cgroupVersion: cgroupVersion === 1 || cgroupVersion === 2 ? cgroupVersion : null,
    cpu: {
      usageMs: millisecondsOf(cpu.usageNanos),
      userMs: millisecondsOf(cpu.userNanos),
      systemMs: millisecondsOf(cpu.systemNanos),
      periods: Number(cpu.periods),
      throttledPeriods: Number(cpu.throttledPeriods),
      throttledMs: millisecondsOf(cpu.throttledNanos),
      pressure: pressureFromWire(cpu.pressure),
    },
    memory: {
      usageBytes: Number(memory.usageBytes),
      workingSetBytes: Number(memory.workingSetBytes),
      anonymousBytes: Number(memory.anonymousBytes),
      fileBytes: Number(memory.fileBytes),
      swapBytes: Number(memory.swapBytes),
      peakBytes: unlessZero(memory.peakBytes),
      limitBytes: unlessZero(memory.limitBytes),
      oomKills: Number(memory.oomKills),
      pressure: pressureFromWire(memory.pressure),
    },
    pids: { current: Number(pids.current), limit: unlessZero(pids.limit) },
    io: {
      readBytes: Number(io.readBytes),
      writeBytes: Number(io.writeBytes),
      readOperations: Number(io.readOperations),
      writeOperations: Number(io.writeOperations),
      pressure: pressureFromWire(io.pressure),
    },
    log: {
      bytes: Number(log.bytes),
      droppedBytes: Number(log.droppedBytes),
      heldBackMs: millisecondsOf(log.heldBackNanos),
    },
  };
}

function unlessZero(number: bigint): number | null {
  return number === 0n ? null : Number(number);
}
