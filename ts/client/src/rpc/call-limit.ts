import type { PodherdError } from '../errors.js';
import type { Deadline } from './deadline.js';

interface Waiter {
  admit: () => void;
  refuse: (error: PodherdError) => void;
}

/** Lets so many calls be in flight at once; the others wait in the order in which they came. */
export class CallLimit {
  readonly #limit: number;
  #inFlight = 0;
  /** In order of arrival. One that gave up is removed at once, so that none is left behind. */
  readonly #waiting = new Set<Waiter>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Take a place; whoever took it must give it back with `release`.
   *
   * @throws PodherdError the deadline's error, or the one given to `refuseAll`; no place is taken then
   */
  async take(deadline: Deadline): Promise<void> {
    deadline.check();
    if (this.#inFlight < this.#limit) {
      this.#inFlight++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        admit: resolve,
        refuse: (error) => {
          this.#waiting.delete(waiter);
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      deadline.onFire(waiter.refuse);
    }).finally(() => deadline.onFire(null));
  }

  /** Give a place back; the one who waits longest gets it. */
  release(): void {
    const next = this.#waiting.values().next().value;
    if (next === undefined) {
      this.#inFlight--;
      return;
    }
    this.#waiting.delete(next);
    next.admit();
  }

  /** Everyone who waits fails with `error`. */
  refuseAll(error: PodherdError): void {
    for (const waiter of [...this.#waiting]) waiter.refuse(error);
  }
}
