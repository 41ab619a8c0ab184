import { Writable } from 'node:stream';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { ByteSinkClient } from '../generated/podherd.js';
import type { SessionCallerOptions } from '../rpc/caller.js';

/** Bytes of one write on the wire. */
const WRITE_BYTES = 65_536;
/** Writes without an answer: what is under way to a reader that does not read. */
const WRITES_IN_FLIGHT = 4;

/** A write lasts as long as the reader takes. As a long poll it takes no place from calls that are answered soon. */
const CALL: SessionCallerOptions = { timeoutMillis: Infinity, longPoll: true };

/** What the end of an input does: ends it for whoever reads, or only says that no more comes from here. */
export type InputEnd = 'end' | 'leave';

/** The way into a container or a command. Owns the server's object, and releases it at its end. */
export class Input extends Writable {
  readonly #sink: ByteSinkClient;
  readonly #atEnd: InputEnd;
  /** Writes that were sent and not answered; each settles without an error. */
  readonly #inFlight = new Set<Promise<void>>();
  #failed: PodherdError | null = null;

  constructor(sink: ByteSinkClient, atEnd: InputEnd) {
    super();
    this.#sink = sink;
    this.#atEnd = atEnd;
    // An error is told elsewhere too: it must not end the process of whoever doesn't look at this stream.
    this.on('error', () => {});
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send([chunk]).then(() => callback(), callback);
  }

  override _writev(
    chunks: readonly { chunk: unknown; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#send(chunks.map(({ chunk }) => chunk as Buffer)).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#sink[Symbol.dispose]();
    callback(error);
  }

  /** Send chunks in as few writes as they fit in. Resolves when there is room for more. */
  async #send(chunks: readonly Buffer[]): Promise<void> {
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    for (let at = 0; at < all.length; at += WRITE_BYTES) {
      while (this.#inFlight.size >= WRITES_IN_FLIGHT) await Promise.race(this.#inFlight);
      if (this.#failed !== null) throw this.#failed;
      this.#write(all.subarray(at, at + WRITE_BYTES));
    }
  }

  #write(data: Uint8Array): void {
    const write = this.#sink
      .write({ data }, CALL)
      .catch((thrown: unknown) => {
        this.#failed ??= notSent(thrown);
      })
      .finally(() => this.#inFlight.delete(write));
    this.#inFlight.add(write);
  }

  async #finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failed !== null) throw this.#failed;
    if (this.#atEnd === 'end') {
      await this.#sink.end({}, CALL).catch((thrown: unknown) => {
        throw notSent(thrown);
      });
    }
  }
}

/** The error of a write that comes too late. */
function notSent(thrown: unknown): PodherdError {
  const cause = toPodherdError(thrown);
  return new PodherdError(cause.code, `the input was not sent, or not all of it: ${cause.message}`, {
    cause,
  });
}
