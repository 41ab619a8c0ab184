import { randomBytes } from 'node:crypto';
import type { EventInit } from '../generated/podherd.js';
import { timestampNow } from './wire.js';

/** What happened, without what the store adds. */
export type Happening = EventInit extends infer E
  ? E extends unknown
    ? Omit<E, 'sequence' | 'at' | 'containerId'>
    : never
  : never;

/** What happened in a pod, numbered from 1: the latest ones, for all who watch. */
export class EventStore {
  /** This life of the server. */
  readonly instance = randomBytes(8).toString('hex');
  readonly #kept: number;
  readonly #events: EventInit[] = [];
  readonly #waiting = new Set<() => void>();
  #next = 1n;

  /** @param kept how many are kept */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Number of the next event. */
  get next(): bigint {
    return this.#next;
  }

  /** Number of the oldest that is kept, or of the next one. */
  get oldest(): bigint {
    return this.#next - BigInt(this.#events.length);
  }

  /** Add what happened to a container. */
  emit(containerId: string, happening: Happening): void {
    this.#events.push({ ...happening, sequence: this.#next, at: timestampNow(), containerId });
    this.#next += 1n;
    if (this.#events.length > this.#kept) this.#events.shift();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Those from a number on, at most so many. */
  from(sequence: bigint, most: number): readonly EventInit[] {
    const skipped = Number(sequence - this.oldest);
    return this.#events.slice(Math.max(0, skipped), Math.max(0, skipped) + most);
  }

  /** Call `wake` once at the next event. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
