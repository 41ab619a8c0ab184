import type { CreateRequest } from '../create-options.js';
import type { Finding } from '../findings.js';
import type { KillTarget, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import type { ListFilter, Snapshot } from '../list-options.js';
import type { CallOptions } from '../rpc/deadline.js';
import type { PodStats } from '../stats/server-stats.js';
import type { ContainerState, ContainerStatus } from '../status.js';

/** What a create answers. */
export interface Created {
  /** Of the container's init. */
  pid: number;
  /** Of the preflight. */
  findings: Finding[];
}

/** How a container is stopped; what is not said is the container's own. */
export interface StopRequest {
  signal?: number | undefined;
  graceMs?: number | undefined;
}

/** How a container is when it was stopped. */
export interface StoppedStatus extends ContainerStatus {
  /** The time of grace was not enough. */
  killed: boolean;
}

/**
 * A container's life, as far as servers differ in it. Two kinds exist: a Podherd server does all of this
 * (`NativeLifecycle`), one of conmon-rs only creates, and this client does what it can of the rest
 * (`CompatibleLifecycle`). What can't be had rejects with `UNIMPLEMENTED`.
 */
export interface Lifecycle {
  readonly kind: 'podherd' | 'conmon';
  create(request: CreateRequest, options: CallOptions): Promise<Created>;
  start(id: string, options: CallOptions): Promise<void>;
  kill(id: string, signal: number, target: KillTarget, options: CallOptions): Promise<void>;
  stop(id: string, request: StopRequest, options: CallOptions): Promise<StoppedStatus>;
  delete(id: string, force: boolean, options: CallOptions): Promise<void>;
  status(id: string, options: CallOptions): Promise<ContainerStatus>;
  list(filter: ListFilter, options: CallOptions): Promise<ContainerStatus[]>;
  snapshot(filter: ListFilter, options: CallOptions): Promise<Snapshot>;
  /** Resolves when the container has reached `until` or a later state. */
  wait(id: string, until: ContainerState, options: CallOptions): Promise<ContainerStatus>;
  stats(ids: readonly string[], options: CallOptions): Promise<PodStats>;
  validateBundle(bundle: string, terminal: boolean, options: CallOptions): Promise<Finding[]>;
  reaperStatus(options: CallOptions): Promise<ReaperStatus>;
  serverInfo(options: CallOptions): Promise<ServerInfo>;
  /** End the server and its containers. Resolves when it has begun to. */
  shutdown(options: CallOptions): Promise<void>;
  /** Let go of what is held on this side. */
  dispose(): Promise<void>;
}
