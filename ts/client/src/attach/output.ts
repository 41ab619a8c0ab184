import { Readable } from 'node:stream';

/** Bytes that are kept for a reader before it has to keep up. */
const HIGH_WATER_BYTES = 65_536;

/** One of the streams that come out of a session. */
export class Output extends Readable {
  /** The session, while it waits for the reader. */
  #waiting: (() => void) | null = null;

  constructor() {
    super({ highWaterMark: HIGH_WATER_BYTES });
    // An error is told by `closed` too: it must not end the process of whoever doesn't look at this stream.
    this.on('error', () => {});
  }

  /** Hand a chunk to the reader, and wait until it wants more. A stream that was destroyed wants nothing. */
  async give(chunk: Uint8Array): Promise<void> {
    if (this.destroyed || this.push(chunk)) return;
    await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  /** Nothing more comes. */
  finish(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#goOn();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#goOn();
    callback(error);
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }
}
