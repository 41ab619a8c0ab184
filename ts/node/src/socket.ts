import { Duplex } from 'node:stream';
import { type ConnectOptions, SeqpacketConnection } from './connection.js';

/** Packets that are kept on each side before it has to wait. */
const HIGH_WATER_PACKETS = 16;

/** A packet with descriptors, as the stream queues it. */
class Message {
  readonly packet: Uint8Array;
  readonly descriptors: readonly number[];

  constructor(packet: Uint8Array, descriptors: readonly number[]) {
    this.packet = packet;
    this.descriptors = descriptors;
  }
}

/**
 * A SEQPACKET connection as a Node stream: each chunk that is written is one packet, each that is read was one.
 * `end` tells the peer that nothing more comes, and reading goes on; a slow reader slows the peer, and a slow
 * peer shows as `write` returning false. Empty chunks are not sent: they would look like the end.
 */
export class SeqpacketSocket extends Duplex {
  readonly #connection: SeqpacketConnection;
  #receiving = false;

  /** Connect to the socket at a path of any length. Rejects as `SeqpacketConnection.connect` does. */
  static async connect(path: string, options: ConnectOptions = {}): Promise<SeqpacketSocket> {
    return new SeqpacketSocket(await SeqpacketConnection.connect(path, options));
  }

  /** @param connection becomes this stream's own */
  constructor(connection: SeqpacketConnection) {
    // Object mode, or Node would merge what it has buffered.
    super({ objectMode: true, highWaterMark: HIGH_WATER_PACKETS });
    this.#connection = connection;
  }

  /**
   * Send a packet with copies of descriptors, in its turn among those that were written. Resolves when the kernel
   * has it; keep the descriptors open until then.
   *
   * @param packet at least one byte
   * @param descriptors at most 253; numbers, or things with an `fd`
   */
  sendDescriptors(
    packet: Uint8Array,
    descriptors: readonly (number | { readonly fd: number })[],
  ): Promise<void> {
    const numbers = descriptors.map((each) => (typeof each === 'number' ? each : each.fd));
    return new Promise((resolve, reject) => {
      this.write(new Message(packet, numbers), (error) => (error ? reject(error) : resolve()));
    });
  }

  override _read(): void {
    // Chunks that are pushed while others wait in the same batch ask for more at once.
    if (this.#receiving) return;
    this.#receiving = true;
    this.#connection.receive().then(
      (packets) => {
        this.#receiving = false;
        if (packets === null) this.push(null);
        else for (const packet of packets) this.push(packet);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(
    chunk: Message | Uint8Array | string,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    const { packet, descriptors } = message(chunk, encoding);
    if (packet.length === 0) callback();
    else this.#connection.send(packet, descriptors).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    try {
      this.#connection.shutdown();
      callback();
    } catch (error) {
      callback(error as Error);
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection.close().then(() => callback(error), callback);
  }
}

function message(chunk: Message | Uint8Array | string, encoding: BufferEncoding): Message {
  if (chunk instanceof Message) return chunk;
  return new Message(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk, []);
}
