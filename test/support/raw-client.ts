import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { within } from './until.js';

/** A connection that sends whatever bytes a test wants. */
export class RawClient {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #isClosed = false;

  static async connect(path: string): Promise<RawClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        resolve();
      });
    });
    // A reset is an end as good as any; what the server says before is of no interest.
    socket.on('error', () => undefined);
    socket.resume();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Waits until the server closes it. */
  async closed(): Promise<void> {
    await within('the server closes the connection', this.#closed);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** The head of a message: one segment of so many words. */
export function head(words: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(words, 4);
  return bytes;
}
