/** Longest time that Node's timers can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Timers of one fake server: none outlives it, so none keeps a process that has closed it. */
export class Clock {
  readonly #cancels = new Set<() => void>();
  #stopped = false;

  /** Call `work` after a time, unless the returned function is called before. `Infinity`: never. */
  after(ms: number, work: () => void): () => void {
    if (this.#stopped || ms === Infinity) return () => {};
    const timer = setTimeout(
      () => {
        this.#cancels.delete(cancel);
        work();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    const cancel = (): void => {
      clearTimeout(timer);
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  /** Cancel all, and set no more. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }
}
