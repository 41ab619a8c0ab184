import type { CallOptions, ContainerStatus, Pod, PodStats, ReaperStatus, ServerInfo } from '@podherd/client';
import { type Rates, RateMeter } from '../stats/rates.js';

/** All that one look at a pod gives. */
export interface Look {
  readonly server: ServerInfo;
  readonly containers: readonly ContainerStatus[];
  readonly stats: PodStats;
  readonly reaper: ReaperStatus;
  /** Of those that were seen by the look before, too. */
  readonly rates: ReadonlyMap<string, Rates>;
  /** CPUs that the server itself kept busy since; null at the first look. */
  readonly serverCpus: number | null;
  readonly at: Date;
}

/** Looks at a pod again and again. */
export class Looker {
  readonly #pod: Pod;
  readonly #server: ServerInfo;
  readonly #meter = new RateMeter();
  #lastServer: { readonly cpuMs: number; readonly ms: number } | null = null;

  private constructor(pod: Pod, server: ServerInfo) {
    this.#pod = pod;
    this.#server = server;
  }

  static async begin(pod: Pod, options: CallOptions): Promise<Looker> {
    return new Looker(pod, await pod.serverInfo(options));
  }

  async look(options: CallOptions): Promise<Look> {
    const [containers, stats, reaper] = await Promise.all([
      this.#pod.list(options),
      this.#pod.stats(options),
      this.#pod.reaperStatus(options),
    ]);
    const ms = performance.now();
    const cpuMs = stats.server.userMs + stats.server.systemMs;
    const last = this.#lastServer;
    this.#lastServer = { cpuMs, ms };
    const serverCpus = last === null || ms <= last.ms ? null : (cpuMs - last.cpuMs) / (ms - last.ms);
    const rates = this.#meter.take(stats, ms);
    return { server: this.#server, containers, stats, reaper, rates, serverCpus, at: new Date() };
  }
}
