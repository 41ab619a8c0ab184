import { PodherdError } from '../errors.js';

/** Largest message that is taken from a peer, in bytes, its header included. The server's own limit is the same. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Most segments in one message; capnp implementations refuse more. */
const MAX_SEGMENTS = 512;

/**
 * Cuts a byte stream into Cap'n Proto messages (the stream framing of
 * https://capnproto.org/encoding.html#serialization-over-a-stream).
 *
 * Memory is taken for bytes that arrived, never for what a header promises.
 */
export class FrameReader {
  readonly #limit: number;
  /** Bytes that arrived and belong to no finished message yet, in order. */
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Length of the message that is arriving; 0 while its header is not complete. */
  #expected = 0;

  constructor(limit: number = MAX_MESSAGE_BYTES) {
    this.#limit = limit;
  }

  /** Whether part of a message has arrived, and the rest has not. */
  get partial(): boolean {
    return this.#buffered > 0;
  }

  /**
   * Take the next bytes and hand each message that is complete to `onFrame`.
   *
   * @throws PodherdError `PROTOCOL_ERROR` for a header that can't be one, or a message past the limit.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    for (;;) {
      if (this.#expected === 0) this.#expected = this.#readHeader();
      if (this.#expected === 0 || this.#buffered < this.#expected) return;
      const frame = this.#take(this.#expected);
      this.#expected = 0;
      onFrame(frame);
    }
  }

  /** The length of the whole message whose header is first in line, or 0 when too little of it is here. */
  #readHeader(): number {
    if (this.#buffered < 4) return 0;
    const segments = this.#view(4).getUint32(0, true) + 1;
    if (segments > MAX_SEGMENTS) {
      throw new PodherdError(
        'PROTOCOL_ERROR',
        `the server sent a message of ${segments} segments; at most ${MAX_SEGMENTS} are allowed`,
      );
    }
    const header = 4 + segments * 4 + (segments % 2 === 0 ? 4 : 0);
    if (this.#buffered < header) return 0;
    const view = this.#view(header);
    let length = header;
    for (let i = 0; i < segments; i++) length += view.getUint32(4 + i * 4, true) * 8;
    if (length > this.#limit) {
      throw new PodherdError(
        'PROTOCOL_ERROR',
        `the server sent a message of ${length} bytes; at most ${this.#limit} are allowed`,
      );
    }
    return length;
  }

  #view(length: number): DataView {
    const head = this.#head(length);
    return new DataView(head.buffer, head.byteOffset, length);
  }

  /** The first `length` bytes in one piece, left where they are. */
  #head(length: number): Uint8Array {
    const first = this.#chunks[0];
    if (first !== undefined && first.byteLength >= length) return first;
    const joined = Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [joined];
    return joined;
  }

  #take(length: number): Uint8Array {
    const head = this.#head(length);
    const rest = head.subarray(length);
    if (rest.byteLength > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#buffered -= length;
    return head.subarray(0, length);
  }
}
