import { Writable } from 'node:stream';
import { PodherdError } from '../errors.js';
import type { PacketConnection } from '../packets/addon.js';
import { stdinPackets } from './packets.js';

/** The way into a session. `end` half-closes: the container's output goes on. */
export class PacketInput extends Writable {
  readonly #connection: PacketConnection;

  constructor(connection: PacketConnection) {
    super();
    this.#connection = connection;
    // As with the outputs.
    this.on('error', () => {});
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    try {
      this.#connection.shutdown();
      callback();
    } catch (cause) {
      callback(sessionEnded(cause));
    }
  }

  async #send(chunk: Buffer): Promise<void> {
    try {
      for (const packet of stdinPackets(chunk)) await this.#connection.send(packet);
    } catch (cause) {
      throw sessionEnded(cause);
    }
  }
}

/** The error of a write that comes too late. */
function sessionEnded(cause: unknown): PodherdError {
  return new PodherdError(
    'CONNECTION_CLOSED',
    'the session has ended, and the input was not sent, or not all of it',
    { cause },
  );
}
