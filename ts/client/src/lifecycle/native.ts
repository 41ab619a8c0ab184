import { type CreateRequest, usesSuperset } from '../create-options.js';
import { PodherdError } from '../errors.js';
import { type Finding, findingsFromWire } from '../findings.js';
import type { KillTarget, PodherdClient, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import { hasMethod, needsNewer } from '../link/versions.js';
import { type ListFilter, filterToWire, passes, type Snapshot } from '../list-options.js';
import { callerOptions, type SessionCallerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';
import { type PodStats, podStatsFromWire } from '../stats/server-stats.js';
import { type ContainerState, type ContainerStatus, statusFromWire } from '../status.js';
import type { Created, Lifecycle, StoppedStatus, StopRequest } from './lifecycle.js';
import { stopByKill } from './stop-by-kill.js';
import { waitByPolls } from './wait-by-polls.js';

/** What has to be known of the way to the server. */
export interface NativeServer {
  readonly info: ServerInfo | null;
  /** Whether a lost connection is being made again. */
  readonly goesOn: boolean;
}

/** The life of containers on a Podherd server: every step is the server's. */
export class NativeLifecycle implements Lifecycle {
  readonly kind = 'podherd';
  readonly #client: PodherdClient;
  readonly #server: NativeServer;

  constructor(client: PodherdClient, server: NativeServer) {
    this.#client = client;
    this.#server = server;
  }

  async create(request: CreateRequest, options: CallOptions): Promise<Created> {
    const call = callerOptions(`create of ${request.container.id}`, options);
    if (hasMethod(this.#server.info, 'create')) {
      const { pid, findings } = await this.#client.create({ request }, call);
      return { pid, findings: findingsFromWire(findings) };
    }
    const beyond = usesSuperset(request);
    if (beyond !== null) throw needsNewer(this.#server.info, `a create with ${beyond}`);
    const { response } = await this.#client.createContainer({ request: request.container }, call);
    if (response === undefined) throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a pid');
    return { pid: response.containerPid, findings: [] };
  }

  async start(id: string, options: CallOptions): Promise<void> {
    await this.#client.start({ id }, callerOptions(`start of ${id}`, options));
  }

  async kill(id: string, signal: number, target: KillTarget, options: CallOptions): Promise<void> {
    await this.#client.kill({ id, signal, target }, callerOptions(`kill of ${id}`, options));
  }

  async stop(id: string, request: StopRequest, options: CallOptions): Promise<StoppedStatus> {
    if (!hasMethod(this.#server.info, 'stop')) return stopByKill(this, id, request, options);
    const { signal = 0, graceMs } = request;
    const params = { id, signal, graceMillis: graceMs === undefined ? -1 : Math.ceil(graceMs) };
    // It ends of itself, after a grace that this side need not know.
    const timed = { ...options, timeoutMs: options.timeoutMs ?? Infinity };
    const call: SessionCallerOptions = { ...callerOptions(`stop of ${id}`, timed), longPoll: true };
    const { status, killed } = await this.#client.stop(params, call);
    return { ...statusFromWire(status), killed };
  }

  async delete(id: string, force: boolean, options: CallOptions): Promise<void> {
    await this.#client.delete({ id, force }, callerOptions(`delete of ${id}`, options));
  }

  async status(id: string, options: CallOptions): Promise<ContainerStatus> {
    const { status } = await this.#client.containerStatus({ id }, callerOptions(`status of ${id}`, options));
    return statusFromWire(status);
  }

  async list(filter: ListFilter, options: CallOptions): Promise<ContainerStatus[]> {
    return (await this.#list(filter, options)).containers;
  }

  async snapshot(filter: ListFilter, options: CallOptions): Promise<Snapshot> {
    const { containers, instance, nextSequence } = await this.#list(filter, options);
    if (instance === '') throw needsNewer(this.#server.info, 'a snapshot');
    return { containers, position: { instance, sequence: nextSequence } };
  }

  async #list(filter: ListFilter, options: CallOptions) {
    const call = callerOptions('list of containers', options);
    const { containers, ...position } = await this.#client.listContainers(filterToWire(filter), call);
    return {
      ...position,
      containers: containers.map(statusFromWire).filter((status) => passes(filter, status)),
    };
  }

  wait(id: string, until: ContainerState, options: CallOptions): Promise<ContainerStatus> {
    return waitByPolls(this.#client, this.#server, { id, until }, options);
  }

  async stats(ids: readonly string[], options: CallOptions): Promise<PodStats> {
    return podStatsFromWire(await this.#client.stats({ ids }, callerOptions('stats', options)));
  }

  async validateBundle(bundlePath: string, terminal: boolean, options: CallOptions): Promise<Finding[]> {
    const call = callerOptions(`look at the bundle ${bundlePath}`, options);
    const { findings } = await this.#client.validateBundle({ bundlePath, terminal }, call);
    return findingsFromWire(findings);
  }

  async shutdown(options: CallOptions): Promise<void> {
    await this.#client.shutdown({ mode: 'kill' }, callerOptions('shutdown of the server', options));
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
