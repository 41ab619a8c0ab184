import { PodherdError } from '../errors.js';
import type { ServerInfo } from '../generated/podherd.js';
import type { PodLink } from '../opening.js';

/** One client's way to a fake server; it ends once, from either side. */
export class LocalLink implements PodLink {
  readonly info: ServerInfo;
  readonly #listeners = new Set<(error: PodherdError) => void>();
  readonly #closed: Promise<PodherdError | undefined>;
  #settleClosed: (error: PodherdError | undefined) => void = () => {};
  #ended: PodherdError | null = null;

  /** @param info what the server says of itself */
  constructor(info: ServerInfo) {
    this.info = info;
    this.#closed = new Promise((resolve) => (this.#settleClosed = resolve));
  }

  /** Whether there is a connection; one that was lost is not made again. */
  get goesOn(): boolean {
    return this.#ended === null;
  }

  /** The same. */
  get isUp(): boolean {
    return this.#ended === null;
  }

  /** Resolves at its end: with the reason, or with undefined after `close`. */
  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  /** @throws PodherdError `CONNECTION_CLOSED` after its end */
  check(): void {
    if (this.#ended === null) return;
    throw new PodherdError('CONNECTION_CLOSED', `the connection is closed: ${this.#ended.message}`, {
      cause: this.#ended,
    });
  }

  /** Be told of the end, unless `silenced` aborts; at once when it has been. */
  onEnd(listener: (error: PodherdError) => void, silenced?: AbortSignal): void {
    if (this.#ended !== null) {
      listener(this.#ended);
      return;
    }
    this.#listeners.add(listener);
    silenced?.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** Leave. */
  close(): Promise<void> {
    this.#end(new PodherdError('CONNECTION_CLOSED', 'this client closed the connection'), undefined);
    return Promise.resolve();
  }

  /** The other side is gone. */
  lose(message: string): void {
    const error = new PodherdError('CONNECTION_CLOSED', message);
    this.#end(error, error);
  }

  #end(error: PodherdError, told: PodherdError | undefined): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    for (const listener of [...this.#listeners]) listener(error);
    this.#listeners.clear();
    this.#settleClosed(told);
  }
}
