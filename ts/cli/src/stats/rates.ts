import type { ContainerStats, PodStats } from '@podherd/client';

/** What a container did a second, between two looks. */
export interface Rates {
  /** CPUs kept busy: 1.5 is one and a half. */
  readonly cpus: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Written to its output. */
  readonly logBytes: number;
}

/** Makes rates of totals: it remembers the last look at each container. */
export class RateMeter {
  #last = new Map<string, { readonly stats: ContainerStats; readonly ms: number }>();

  /**
   * Take a look in. Those that were not seen before have no rates yet.
   *
   * @param nowMs when it was taken, by a clock that only goes forward
   */
  take({ containers }: PodStats, nowMs: number): Map<string, Rates> {
    const rates = new Map<string, Rates>();
    const looks = new Map<string, { stats: ContainerStats; ms: number }>();
    for (const stats of containers) {
      looks.set(stats.id, { stats, ms: nowMs });
      const last = this.#last.get(stats.id);
      if (last !== undefined && nowMs > last.ms)
        rates.set(stats.id, between(last.stats, stats, nowMs - last.ms));
    }
    this.#last = looks;
    return rates;
  }
}

function between(before: ContainerStats, now: ContainerStats, ms: number): Rates {
  // An id that was given to another container since: its totals begin anew.
  const perSecond = (from: number, to: number): number => (Math.max(0, to - from) / ms) * 1_000;
  return {
    cpus: perSecond(before.cpu.usageMs, now.cpu.usageMs) / 1_000,
    readBytes: perSecond(before.io.readBytes, now.io.readBytes),
    writtenBytes: perSecond(before.io.writeBytes, now.io.writeBytes),
    logBytes: perSecond(before.log.bytes, now.log.bytes),
  };
}
