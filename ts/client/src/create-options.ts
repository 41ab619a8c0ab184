import { resolve } from 'node:path';
import type { DescriptorOptions } from './descriptors/passing.js';
import type { CreateContainerRequestInit, LogDriverInit, MapEntryInit } from './generated/conmon.js';
import type { CallOptions } from './rpc/deadline.js';

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
}

/** The request for these options. */
export function createRequest(options: CreateContainerOptions): CreateContainerRequestInit {
  const sinks =
    options.log === undefined ? [] : Array.isArray(options.log) ? options.log : [options.log as LogSink];
  return {
    id: options.id,
    bundlePath: resolve(options.bundle),
    terminal: options.terminal,
    stdin: options.stdin,
    exitPaths: options.exitPaths?.map((path) => resolve(path)),
    oomExitPaths: options.oomExitPaths?.map((path) => resolve(path)),
    logDrivers: (sinks as readonly LogSink[]).map(logDriver),
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
