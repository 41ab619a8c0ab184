import { Readable } from 'node:stream';

/** Bytes that are kept for a reader before it has to keep up. */
const HIGH_WATER_BYTES = 65_536;

/** One of the streams that come out of a container or a command. */
export class Output extends Readable {
  /** Who gave what the reader has not wanted yet. */
  #waiting: (() => void)[] = [];

  #finished = false;

  constructor() {
    super({ highWaterMark: HIGH_WATER_BYTES });
    // An error is told by `closed` too: it must not end the process of whoever doesn't look at this stream.
    this.on('error', () => {});
  }

  /** Hand a chunk to the reader, and wait until it wants more. A stream that was destroyed wants nothing. */
  async give(chunk: Uint8Array): Promise<void> {
    if (this.destroyed || this.#finished || this.push(chunk)) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
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
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}
