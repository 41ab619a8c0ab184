import { setTimeout as sleep } from 'node:timers/promises';
import { PodherdError } from '../errors.js';
import type { CreateContainerRequestInit } from '../generated/conmon.js';
import type { KillTarget, PodherdClient, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import { callerOptions, type SessionCallerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';
import { type ContainerState, type ContainerStatus, statusFromWire } from '../status.js';
import type { Lifecycle } from './lifecycle.js';

/** Milliseconds of one long poll. The server takes up to ten minutes. */
const POLL_MS = 300_000;
/** Milliseconds that a poll's answer may be late before the server counts as stuck. */
const POLL_GRACE_MS = 30_000;
/** The same where the caller set a time of its own, which an answer in time keeps from being a cancelled call. */
const SHORT_GRACE_MS = 250;
/** Least milliseconds between two polls of a server that answers before its time. */
const POLL_PAUSE_MS = 1_000;

/** The life of containers on a Podherd server: every step is the server's. */
export class NativeLifecycle implements Lifecycle {
  readonly kind = 'podherd';
  readonly #client: PodherdClient;

  constructor(client: PodherdClient) {
    this.#client = client;
  }

  async create(request: CreateContainerRequestInit & { id: string }, options: CallOptions): Promise<number> {
    const { response } = await this.#client.createContainer(
      { request },
      callerOptions(`create of ${request.id}`, options),
    );
    if (response === undefined) throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a pid');
    return response.containerPid;
  }

  async start(id: string, options: CallOptions): Promise<void> {
    await this.#client.start({ id }, callerOptions(`start of ${id}`, options));
  }

  async kill(id: string, signal: number, target: KillTarget, options: CallOptions): Promise<void> {
    await this.#client.kill({ id, signal, target }, callerOptions(`kill of ${id}`, options));
  }

  async delete(id: string, force: boolean, options: CallOptions): Promise<void> {
    await this.#client.delete({ id, force }, callerOptions(`delete of ${id}`, options));
  }

  async status(id: string, options: CallOptions): Promise<ContainerStatus> {
    const { status } = await this.#client.containerStatus({ id }, callerOptions(`status of ${id}`, options));
    return statusFromWire(status);
  }

  async list(options: CallOptions): Promise<ContainerStatus[]> {
    const { containers } = await this.#client.listContainers(
      {},
      callerOptions('list of containers', options),
    );
    return containers.map(statusFromWire);
  }

  async wait(id: string, until: ContainerState, options: CallOptions): Promise<ContainerStatus> {
    const what = `wait for ${id} to be ${until}`;
    const end = performance.now() + (options.timeoutMs ?? Infinity);
    for (;;) {
      const started = performance.now();
      const left = Math.max(0, end - started);
      const timeoutMillis = Math.ceil(Math.min(left, POLL_MS));
      const grace = left <= POLL_MS ? SHORT_GRACE_MS : POLL_GRACE_MS;
      const poll: SessionCallerOptions = {
        what,
        signal: options.signal,
        timeoutMillis: timeoutMillis + grace,
        longPoll: true,
      };
      const { status, reached } = await this.#client.waitContainer({ id, until, timeoutMillis }, poll);
      if (reached) return statusFromWire(status);
      if (performance.now() >= end) {
        throw new PodherdError('TIMEOUT', `${what} did not end within ${options.timeoutMs} ms`);
      }
      if (performance.now() - started < timeoutMillis / 2) await pause(what, end, options.signal);
    }
  }

  async reaperStatus(options: CallOptions): Promise<ReaperStatus> {
    const { status } = await this.#client.reaperStatus({}, callerOptions("the reaper's status", options));
    if (status === undefined)
      throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a status');
    return status;
  }

  async serverInfo(options: CallOptions): Promise<ServerInfo> {
    const { info } = await this.#client.serverInfo({}, callerOptions("the server's information", options));
    if (info === undefined)
      throw new PodherdError('PROTOCOL_ERROR', 'the server answered without information');
    return info;
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

/** A server that answers polls early must not be asked without a breath in between. */
async function pause(what: string, end: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = Math.min(POLL_PAUSE_MS, Math.max(0, end - performance.now()));
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
    throw new PodherdError('ABORTED', `${what} was aborted`, { cause });
  });
}
