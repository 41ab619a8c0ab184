import { PodherdError } from '../errors.js';
import type { TraceSource } from '../trace/context.js';
import { onAbort } from './abort-signal.js';

/** How a call can be ended from outside. */
export interface CallOptions {
  /** Ends the call with `ABORTED`; the server is told and drops it. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call ends with `TIMEOUT`; the server is told and drops it. `Infinity`: no limit. */
  timeoutMs?: number | undefined;
  /** W3C trace context for the server's spans of this call. Default: that of the pod's options. */
  trace?: TraceSource | undefined;
}

/** Longest time that Node's timers can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The end of one call's time: its signal and its timeout in one. It fires at most once, and whoever makes
 * it must stop it, or its listener stays on the caller's signal.
 */
export class Deadline {
  readonly #signal: AbortSignal | undefined;
  readonly #trace: TraceSource | undefined;
  readonly #what: string;
  readonly #end: number;
  #letGo: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #error: PodherdError | null = null;
  #onFire: ((error: PodherdError) => void) | null = null;

  /**
   * @param what what is being done, for the error's message: "start of web"
   * @throws PodherdError `INVALID_ARGUMENT` for a timeout that is no number of milliseconds
   */
  constructor(what: string, options: CallOptions) {
    this.#what = what;
    this.#signal = options.signal;
    this.#trace = options.trace;
    const timeoutMs = options.timeoutMs ?? Infinity;
    if (Number.isNaN(timeoutMs) || timeoutMs < 0) {
      throw new PodherdError(
        'INVALID_ARGUMENT',
        `timeoutMs must be zero or more milliseconds, found ${timeoutMs}`,
      );
    }
    this.#end = performance.now() + timeoutMs;
    if (this.#signal?.aborted === true) {
      this.#fire(this.#aborted());
      return;
    }
    if (this.#signal !== undefined) this.#letGo = onAbort(this.#signal, () => this.#fire(this.#aborted()));
    if (timeoutMs < MAX_TIMER_MS) {
      this.#timer = setTimeout(() => this.#fire(this.#late(timeoutMs)), timeoutMs);
    }
  }

  /** What is left of this time, for the calls that it is made of. */
  rest(): CallOptions {
    const timeoutMs = Math.max(0, this.#end - performance.now());
    return { signal: this.#signal, timeoutMs, trace: this.#trace };
  }

  /** The error that this fired with, or null. */
  get error(): PodherdError | null {
    return this.#error;
  }

  /** @throws PodherdError `ABORTED` or `TIMEOUT` when the time is over */
  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Say who is told when the time is over; one at a time, `null` for nobody. Called at once when it is over already. */
  onFire(listener: ((error: PodherdError) => void) | null): void {
    this.#onFire = listener;
    if (this.#error !== null) listener?.(this.#error);
  }

  /** Let go of the signal and the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#letGo();
    this.#onFire = null;
  }

  #fire(error: PodherdError): void {
    if (this.#error !== null) return;
    this.#error = error;
    clearTimeout(this.#timer);
    this.#onFire?.(error);
  }

  #aborted(): PodherdError {
    return new PodherdError('ABORTED', `${this.#what} was aborted`, { cause: this.#signal?.reason });
  }

  #late(timeoutMs: number): PodherdError {
    return new PodherdError('TIMEOUT', `${this.#what} did not end within ${timeoutMs} ms`);
  }
}

/**
 * Wait for `promise`, but no longer than `deadline`. The work behind the promise goes on: the caller
 * ends it where it can be ended.
 */
export async function within<T>(promise: Promise<T>, deadline: Deadline): Promise<T> {
  const fired = new Promise<never>((_, reject) => deadline.onFire(reject));
  try {
    return await Promise.race([promise, fired]);
  } finally {
    deadline.onFire(null);
  }
}
