import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { PodherdError } from '../errors.js';

/** Wakes who follows a log when something was written, the log was rotated, or its container has ended. */
export class LogWatcher implements Disposable {
  readonly #watcher: FSWatcher;
  #stirred = false;
  #wake: (() => void) | null = null;
  #ended = false;
  #error: PodherdError | null = null;

  /** Watch the directory of a log (inotify(7)): its files come and go. */
  constructor(path: string) {
    try {
      this.#watcher = watch(dirname(path));
    } catch (cause) {
      throw unwatchable(path, cause);
    }
    this.#watcher.on('change', () => this.#stir());
    this.#watcher.on('error', (cause) => this.fail(unwatchable(path, cause)));
  }

  /** Whether all that will be written is written. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The container has ended. */
  end(): void {
    this.#ended = true;
    this.#stir();
  }

  /** Have `stirs` reject. */
  fail(error: PodherdError): void {
    this.#error ??= error;
    this.#stir();
  }

  /** Resolves when something has happened since the last time that this was called. */
  async stirs(): Promise<void> {
    if (!this.#stirred) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#stirred = false;
    if (this.#error !== null) throw this.#error;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  #stir(): void {
    this.#stirred = true;
    this.#wake?.();
    this.#wake = null;
  }
}

function unwatchable(path: string, cause: unknown): PodherdError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PodherdError('LOG_UNAVAILABLE', `the log at ${path} can't be followed: ${reason}`, { cause });
}
