/**
 * @podherd/client: create containers on a Podherd server and know how each one ended.
 *
 * The parts, in the order in which a request travels through them:
 *
 * - `pod.ts`, `container.ts`, `exec.ts`: what users call; `create-options.ts` and `status.ts` are what goes in and out
 * - `attach/`: a container's streams; `descriptors/`: open files for a container; both over `packets/`, which loads
 *   the addon; `serve.ts`: URLs of the server's streaming
 * - `opening.ts`: from options to a pod that is connected
 * - `lifecycle/`: a container's life as the server does it; `fallback/`: the same where the server only speaks
 *   conmon-rs's protocol and its client has to do the rest
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
export type { DeleteOptions, KillOptions, WaitOptions } from './container.js';
export type { CgroupManager, CreateContainerOptions, LogSink } from './create-options.js';
export type { Descriptor, DescriptorOptions } from './descriptors/passing.js';
export { CLIENT_ERROR_CODES, SERVER_ERROR_CODES } from './error-codes.js';
export type { ClientErrorCode, ErrorCode, ServerErrorCode } from './error-codes.js';
export { toPodherdError } from './error-from.js';
export { PodherdError } from './errors.js';
export type { PodherdErrorOptions } from './errors.js';
export type { ExecOptions, ExecResult } from './exec.js';
export type { VersionResponse } from './generated/conmon.js';
export type { ReaperStatus, ServerInfo } from './generated/podherd.js';
export type { InterfaceChoice } from './lifecycle/detect.js';
export type { Logger, LoggingOptions, LogLevel } from './logger.js';
export type { ConnectOptions } from './opening.js';
export { Pod } from './pod.js';

export type { CallOptions } from './rpc/deadline.js';
export type { ServeAttachOptions, ServeExecOptions } from './serve.js';
export { signalName, signalNumber } from './signals.js';
export type { Lifetime, StartOptions } from './server/options.js';
export type { ContainerState, ContainerStatus, ExitState, ExitUnknownReason, Timestamp } from './status.js';
