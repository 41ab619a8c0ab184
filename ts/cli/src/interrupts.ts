import { constants } from 'node:os';
import { SIGNAL_BASE } from './exit-codes.js';

/** What ends podctl, unless a command passes it on to a container. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A command was ended by a signal, or by a reader that went away: nothing is said, the exit code tells. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = SIGNAL_BASE + constants.signals[signal];
  }
}

/**
 * The ends of a command that come from outside. They abort `signal`, the command cleans up, and podctl ends as if
 * the signal had ended it. The second one does not wait for that.
 */
export class Interrupts {
  readonly #abort = new AbortController();
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #forwards: ((signal: NodeJS.Signals) => boolean) | null = null;

  constructor() {
    for (const signal of ENDING) {
      const listener = (): void => this.#on(signal);
      this.#listeners.set(signal, listener);
      process.on(signal, listener);
    }
    // A reader that went away (`podctl logs web | head`) is no failure to speak of: as with SIGPIPE.
    process.stdout.on('error', this.#onBroken);
    process.stderr.on('error', this.#onBroken);
  }

  /** Aborted with an `Interrupted`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** End the command as this signal would. */
  interrupt(signal: NodeJS.Signals): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new Interrupted(signal));
  }

  /**
   * Ask `takes` of each signal first: true keeps it from ending the command.
   *
   * @returns ends that
   */
  forward(takes: (signal: NodeJS.Signals) => boolean): () => void {
    this.#forwards = takes;
    return () => (this.#forwards = null);
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #on(signal: NodeJS.Signals): void {
    if (this.#forwards?.(signal) === true) return;
    if (this.#abort.signal.aborted) process.exit(SIGNAL_BASE + constants.signals[signal]);
    this.interrupt(signal);
  }

  readonly #onBroken = (error: NodeJS.ErrnoException): void => {
    // EIO: the terminal has gone.
    if (error.code === 'EPIPE' || error.code === 'EIO') this.interrupt('SIGPIPE');
    else this.#abort.abort(error);
  };
}
