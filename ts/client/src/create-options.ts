import { resolve } from 'node:path';
import type { DescriptorOptions } from './descriptors/passing.js';
import { PodherdError } from './errors.js';
import type { Finding } from './findings.js';
import type { CreateContainerRequestInit, LogDriverInit, MapEntryInit } from './generated/conmon.js';
import type { CreateRequestInit, Preflight } from './generated/podherd.js';
import type { CallOptions } from './rpc/deadline.js';
import { signalNumber } from './signals.js';
import { DEFAULT_STOP_GRACE_MS, type RateLimit } from './status.js';

/** Who makes a container's cgroup: the runtime in cgroupfs, or systemd through its D-Bus interface. */
export type CgroupManager = 'cgroupfs' | 'systemd';

/** Where a container's output goes. */
export type LogSink =
  | {
      /** The log file. */
      path: string;
      /** `cri` (default): lines as the kubelet reads them. `json`: one object a line. */
      driver?: 'cri' | 'json' | undefined;
      /** Bytes after which the file is rotated. Default 0: never. */
      maxSize?: number | undefined;
      /** Rotated files that are kept beside the current one; more are removed. Default 0: all are kept. */
      maxFiles?: number | undefined;
    }
  | { driver: 'journald' };

/** A container to be created. Relative paths are seen from this process's working directory. */
export interface CreateContainerOptions extends DescriptorOptions, CallOptions {
  /** Unique among this server's containers; letters, digits, `_`, `+`, `-`, `.` as the runtimes allow. */
  id: string;
  /** Directory with the container's `config.json`. */
  bundle: string;
  /** Give the container a pseudo-terminal; `config.json` has to ask for one too. */
  terminal?: boolean | undefined;
  /** Keep a standard input open for attach clients; otherwise it reads /dev/null. */
  stdin?: boolean | undefined;
  log?: LogSink | readonly LogSink[] | undefined;
  /** Files that get the decimal exit code once the container ended; the first one last. */
  exitPaths?: readonly string[] | undefined;
  /** Files that are created empty if the container was killed for memory. */
  oomExitPaths?: readonly string[] | undefined;
  /** Program and arguments, run once after the container ended. */
  cleanupCommand?: readonly string[] | undefined;
  /** Arguments of the runtime that stand before its subcommand. */
  globalArgs?: readonly string[] | undefined;
  /** Arguments of the runtime's `create`. */
  createArgs?: readonly string[] | undefined;
  /** Environment of the runtime call, added to the server's own. Not the container's: that is in `config.json`. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Default `cgroupfs`. */
  cgroupManager?: CgroupManager | undefined;
  /** Kept with the container, told with its status, and what `list` can be filtered by. */
  labels?: Readonly<Record<string, string>> | undefined;
  /**
   * Look at the bundle before the runtime is started, as `pod.validateBundle` does. `warn`: what is found goes to
   * `onFindings` and to the logger. `enforce`: an error among it refuses the create (`PREFLIGHT_FAILED`).
   * Default `off`.
   */
  preflight?: Preflight | undefined;
  /** Told what the preflight found, if it found anything. */
  onFindings?: ((findings: readonly Finding[]) => void) | undefined;
  /** What `stop` sends first. Default SIGTERM. */
  stopSignal?: NodeJS.Signals | number | undefined;
  /** How long `stop` waits after it, in milliseconds, before everything is killed. Default 10,000. */
  stopGraceMs?: number | undefined;
  /** A bound on what it may write; past it, it is held back. Default: none. */
  rateLimit?: (Pick<RateLimit, 'bytesPerSecond'> & Partial<RateLimit>) | undefined;
}

/** A request for a container, of which the id is known to be there. */
export type CreateRequest = CreateRequestInit & { container: CreateContainerRequestInit & { id: string } };

/** The request for these options. */
export function createRequest(options: CreateContainerOptions): CreateRequest {
  const sinks = options.log === undefined ? [] : [options.log].flat();
  const { rateLimit } = options;
  return {
    container: compatibleRequest(options, sinks),
    labels: mapEntries(options.labels),
    preflight: options.preflight,
    stopSignal: options.stopSignal === undefined ? 0 : signalNumber(options.stopSignal),
    stopGraceMillis: Math.ceil(options.stopGraceMs ?? DEFAULT_STOP_GRACE_MS),
    rateLimit: rateLimit && {
      bytesPerSecond: rateLimit.bytesPerSecond,
      burstBytes: rateLimit.burstBytes ?? 0,
    },
    logMaxFiles: maxFiles(sinks),
  };
}

/** The part that conmon-rs knows. */
function compatibleRequest(
  options: CreateContainerOptions,
  sinks: readonly LogSink[],
): CreateContainerRequestInit & { id: string } {
  return {
    id: options.id,
    bundlePath: resolve(options.bundle),
    terminal: options.terminal,
    stdin: options.stdin,
    exitPaths: options.exitPaths?.map((path) => resolve(path)),
    oomExitPaths: options.oomExitPaths?.map((path) => resolve(path)),
    logDrivers: sinks.map(logDriver),
    cleanupCmd: options.cleanupCommand,
    globalArgs: options.globalArgs,
    commandArgs: options.createArgs,
    envVars: mapEntries(options.env),
    cgroupManager: options.cgroupManager ?? 'cgroupfs',
  };
}

/** A map as the protocol has it. */
export function mapEntries(map: Readonly<Record<string, string>> | undefined): MapEntryInit[] | undefined {
  return map === undefined ? undefined : Object.entries(map).map(([key, value]) => ({ key, value }));
}

function logDriver(sink: LogSink): LogDriverInit {
  if (sink.driver === 'journald') return { type: 'journald' };
  return {
    type: sink.driver === 'json' ? 'json' : 'containerRuntimeInterface',
    path: resolve(sink.path),
    maxSize: sink.maxSize ?? 0,
  };
}

/** On the wire it is one number for all sinks. */
function maxFiles(sinks: readonly LogSink[]): number {
  const wanted = new Set(sinks.flatMap((sink) => ('maxFiles' in sink ? (sink.maxFiles ?? []) : [])));
  if (wanted.size > 1) {
    throw new PodherdError(
      'INVALID_ARGUMENT',
      `one maxFiles for all log sinks, found ${[...wanted].join(', ')}`,
    );
  }
  return [...wanted][0] ?? 0;
}

/** What of a request the compatible `createContainer` can't say, in words; null: nothing. */
export function usesSuperset(request: CreateRequest): string | null {
  if ((request.labels ?? []).length > 0) return 'labels';
  if ((request.preflight ?? 'off') !== 'off') return 'a preflight';
  if (request.rateLimit !== undefined) return 'a rate limit';
  if ((request.logMaxFiles ?? 0) > 0) return 'maxFiles';
  if ((request.stopSignal ?? 0) !== 0) return 'a stop signal';
  return request.stopGraceMillis === DEFAULT_STOP_GRACE_MS ? null : 'a time of grace';
}
