import type { ByteSinkClient } from '../generated/podherd.js';
import { serveByteSink } from '../generated/podherd.js';

/** Bytes of one call of a sink. */
const CHUNK_BYTES = 64 << 10;

/** Where a process's output goes for one caller: in order, one call at a time, as fast as it is taken. */
export class SinkWriter {
  readonly #sink: ByteSinkClient | undefined;
  #tail: Promise<void> = Promise.resolve();

  /** @param sink undefined: nowhere */
  constructor(sink: ByteSinkClient | undefined) {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const data = bytes.slice(at, at + CHUNK_BYTES);
      this.#then(() => this.#sink?.write({ data }));
    }
  }

  /** Say that no more comes. Resolves when all was taken, or can't be any more. */
  end(): Promise<void> {
    this.#then(() => this.#sink?.end());
    return this.#tail;
  }

  /** Who can't be written to is gone, and with them their interest. */
  #then(work: () => Promise<unknown> | undefined): void {
    this.#tail = this.#tail.then(work).then(
      () => {},
      () => {},
    );
  }
}

/** An input as the wire has it. */
export function inputSink(take: (bytes: Uint8Array) => void, end: () => void) {
  let ended = false;
  return serveByteSink({
    write: ({ data }) => {
      if (!ended) take(data.slice());
    },
    end: () => {
      if (!ended) end();
      ended = true;
    },
  });
}
