/** Entries that are kept before whoever puts more has to wait. */
const HIGH_WATER = 256;

interface Taker<T> {
  resolve: (entry: T | undefined) => void;
  reject: (error: unknown) => void;
}

/** What was received and not taken yet. Whoever puts waits while it is full, so one batch more is kept at most. */
export class Queue<T> {
  #entries: T[] = [];
  /** Of `#entries`: taken already. They are let go of together. */
  #taken = 0;
  readonly #takers: Taker<T>[] = [];
  #putters: (() => void)[] = [];
  #end: { readonly error: Error | undefined } | null = null;

  /** Add entries, and wait until there is room for more. After the end they are dropped. */
  async put(entries: readonly T[]): Promise<void> {
    for (const entry of entries) {
      if (this.#end !== null) return;
      const taker = this.#takers.shift();
      if (taker === undefined) this.#entries.push(entry);
      else taker.resolve(entry);
    }
    if (this.#end === null && this.#size > HIGH_WATER)
      await new Promise<void>((resolve) => this.#putters.push(resolve));
  }

  /** The next entry; undefined at the end. Rejects with the error that this was ended with. */
  take(): Promise<T | undefined> {
    if (this.#size > 0) {
      const entry = this.#entries[this.#taken++];
      if (this.#size === 0) this.#forget();
      if (this.#size <= HIGH_WATER) this.#wakePutters();
      return Promise.resolve(entry);
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== null) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** End it. What is in it can still be taken, unless it is dropped. Only the first call counts. */
  end(error: Error | undefined, drop: 'drop' | 'keep'): void {
    if (drop === 'drop') this.#forget();
    if (this.#end !== null) return;
    this.#end = { error };
    for (const { resolve, reject } of this.#takers.splice(0)) {
      if (error === undefined) resolve(undefined);
      else reject(error);
    }
    this.#wakePutters();
  }

  get #size(): number {
    return this.#entries.length - this.#taken;
  }

  #forget(): void {
    this.#entries = [];
    this.#taken = 0;
  }

  #wakePutters(): void {
    for (const wake of this.#putters.splice(0)) wake();
  }
}
