import { resolve } from 'node:path';
import type { LoggingOptions } from '../logger.js';
import type { PodOptions } from '../pod-options.js';
import type { CallOptions } from '../rpc/deadline.js';

/**
 * Who ends a server.
 *
 * - `client`: this process. Dispose ends it and its containers; should this process vanish, the server
 *   notices within a second and ends by itself.
 * - `detached`: nobody but whoever signals it. Dispose only disconnects.
 */
export type Lifetime = 'client' | 'detached';

/** How a server is started. */
export interface StartOptions extends PodOptions, LoggingOptions, CallOptions {
  /** Path of the OCI runtime: "/usr/sbin/runc". */
  runtime: string;
  /** Directory of the server's sockets and records; made if absent. One server per directory. */
  runtimeDir: string;
  /** Root directory of the runtime's own state. The runtime's default if not given. */
  runtimeRoot?: string | undefined;
  /** Default `client`. */
  lifetime?: Lifetime | undefined;
  /** The server's binary. Default: the environment variable PODHERD_SERVER, then `podherd` in PATH. */
  serverPath?: string | undefined;
  /** From which level on the server itself logs. Default `info`. */
  serverLogLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'off' | undefined;
  /**
   * Where the server's own log goes. `stdout`, with lifetime `client`: to this package's logger, at level
   * debug. Default: `stdout` where there is a logger, else `none`.
   */
  serverLogDriver?: 'none' | 'stdout' | 'systemd' | undefined;
  /** Further flags for the server, such as `--shutdown-timeout=5`. */
  serverArgs?: readonly string[] | undefined;
  /** The server's environment, in place of this process's own. */
  serverEnv?: Readonly<Record<string, string>> | undefined;
}

/** The flags that every server of this protocol knows. */
export function commonArguments(options: StartOptions): string[] {
  const logged = options.logger !== undefined || options.logLevel !== undefined;
  const driver = options.serverLogDriver ?? (logged && options.lifetime !== 'detached' ? 'stdout' : 'none');
  return [
    `--runtime=${options.runtime}`,
    runtimeDirArgument(options.runtimeDir),
    ...(options.runtimeRoot === undefined ? [] : [`--runtime-root=${resolve(options.runtimeRoot)}`]),
    `--log-level=${options.serverLogLevel ?? 'info'}`,
    `--log-driver=${driver}`,
    ...(options.serverArgs ?? []),
  ];
}

/** The flag that tells two servers apart. */
export function runtimeDirArgument(runtimeDir: string): string {
  return `--runtime-dir=${resolve(runtimeDir)}`;
}
