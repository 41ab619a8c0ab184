/**
 * @podherd/client: create containers on a Podherd server and know how each one ended.
 *
 * The parts, in the order in which a request travels through them:
 *
 * - `pod.ts`, `container.ts`: what users call; `create-options.ts`, `list-options.ts`, `status.ts`, `exit-state.ts`,
 *   `findings.ts` and `stats/` are what goes in and out
 * - `events/`: what happens in a pod, as a stream that outlives its connections; `logs/`: a container's log files
 * - `exec.ts`: a command and its output; `spawn/`: a command with its streams; `attach/`: a container's own streams;
 *   `streams/`: Node streams over objects of the server; `serve.ts`: URLs of the server's streaming
 * - `descriptors/`: open files for a container; like attach sockets over `packets/`, which loads the addon
 * - `opening.ts`: from options to a pod that is connected
 * - `lifecycle/`: a container's life as the server does it; `fallback/`: the same where the server only speaks
 *   conmon-rs's protocol and its client has to do the rest
 * - `link/`: the way to the server over one session after the other, and which calls may be repeated; `trace/`: what is
 *   told of calls
 * - `generated/` and `capnp/`: the schema's types, as plain objects and as bytes
 * - `rpc/`: the session. Every call settles, whatever becomes of the server, and nothing of it stays behind
 * - `server/`: finding, starting and ending the server's process
 * - `bundle/`: a container's `config.json`, made and edited with types
 * - `errors.ts`, `error-codes.ts`, `error-from.ts`: the one error class, its codes, and what turns anything into it
 */

export type { AttachOptions } from './attach/attach.js';
export type { AttachSession } from './attach/session.js';
export { Bundle, bindMount, bundleConfig } from './bundle/index.js';
export type { BindMountOptions, BundleOptions, NamespaceChoice } from './bundle/index.js';
export type * from './bundle/oci/index.js';
export { Container } from './container.js';
export type { DeleteOptions, KillOptions, StopOptions, WaitOptions } from './container.js';
export type { CgroupManager, CreateContainerOptions, LogSink } from './create-options.js';
export type { Descriptor, DescriptorOptions } from './descriptors/passing.js';
export { CLIENT_ERROR_CODES, SERVER_ERROR_CODES } from './error-codes.js';
export type { ClientErrorCode, ErrorCode, ServerErrorCode } from './error-codes.js';
export { toPodherdError } from './error-from.js';
export { PodherdError } from './errors.js';
export type { PodherdErrorOptions } from './errors.js';
export type { ContainerEvent, DetachReason, EventCommon, EventGap, PodEvent } from './events/event.js';
export { formatPosition, parsePosition } from './events/position.js';
export type { EventPosition } from './events/position.js';
export type { EventsOptions, EventStream } from './events/stream.js';
export type { ExecOptions, ExecResult } from './exec.js';
export type { ExitState, ExitUnknownReason } from './exit-state.js';
export type { Finding } from './findings.js';
export type { VersionResponse } from './generated/conmon.js';
export type { Preflight, ReaperStatus, ServerInfo } from './generated/podherd.js';
export type { StoppedStatus } from './lifecycle/lifecycle.js';
export type { InterfaceChoice } from './link/dial.js';
export type { ReconnectOptions } from './link/reconnect.js';
export type { ListFilter, ListOptions, Snapshot } from './list-options.js';
export type { Logger, LoggingOptions, LogLevel } from './logger.js';
export type { LogsOptions } from './logs/logs.js';
export { LogRecord } from './logs/record.js';
export type { ConnectOptions } from './opening.js';
export type { PodOptions } from './pod-options.js';
export { Pod } from './pod.js';

export type { CallOptions } from './rpc/deadline.js';
export type { ServeAttachOptions, ServeExecOptions } from './serve.js';
export { signalName, signalNumber } from './signals.js';
export { findServer } from './server/binary.js';
export type { Lifetime, StartOptions } from './server/options.js';
export type { Exec } from './spawn/exec.js';
export type { SpawnOptions } from './spawn/spawn.js';
export type { ContainerStats } from './stats/container-stats.js';
export type { Pressure, PressureShare } from './stats/pressure.js';
export type { PodStats, ServerStats, StatsOptions } from './stats/server-stats.js';
export type { ContainerState, ContainerStatus, RateLimit } from './status.js';
export type { Timestamp } from './timestamp.js';
export type { TraceContext, TraceSource } from './trace/context.js';
export type { CallMessage, ConnectionMessage } from './trace/diagnostics.js';
