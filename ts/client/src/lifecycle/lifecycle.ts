import type { CreateContainerRequestInit } from '../generated/conmon.js';
import type { KillTarget, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import type { CallOptions } from '../rpc/deadline.js';
import type { ContainerState, ContainerStatus } from '../status.js';

/**
 * A container's life, as far as servers differ in it. Two kinds exist: a Podherd server does all of this
 * (`NativeLifecycle`), one of conmon-rs only creates, and this client does the rest (`CompatibleLifecycle`).
 */
export interface Lifecycle {
  readonly kind: 'podherd' | 'conmon';
  /** @returns pid of the container's init */
  create(request: CreateContainerRequestInit & { id: string }, options: CallOptions): Promise<number>;
  start(id: string, options: CallOptions): Promise<void>;
  kill(id: string, signal: number, target: KillTarget, options: CallOptions): Promise<void>;
  delete(id: string, force: boolean, options: CallOptions): Promise<void>;
  status(id: string, options: CallOptions): Promise<ContainerStatus>;
  list(options: CallOptions): Promise<ContainerStatus[]>;
  /** Resolves when the container has reached `until` or a later state. */
  wait(id: string, until: ContainerState, options: CallOptions): Promise<ContainerStatus>;
  reaperStatus(options: CallOptions): Promise<ReaperStatus>;
  serverInfo(options: CallOptions): Promise<ServerInfo>;
  /** Let go of what is held on this side. */
  dispose(): Promise<void>;
}
