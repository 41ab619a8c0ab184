import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeHandle, type PacketHandle } from './addon.js';
import { systemError } from './system-error.js';

/** Bytes of the largest packet that is received; a larger one is an error, `EMSGSIZE`. */
export const MAX_PACKET_BYTES = 65_536;
/** Most packets that one `receive` gives: then others have their turn. */
const BATCH_PACKETS = 16;
/** Milliseconds between two tries while a listener's queue is full, which nothing tells the end of. */
const RETRY_MS = 5;
/** Milliseconds until connecting fails, if nothing else is asked for. */
const CONNECT_TIMEOUT_MS = 10_000;

const { EAGAIN, ECONNRESET } = constants.errno;

/** What every packet is received into: calls are made one after the other. */
const scratch = new Uint8Array(MAX_PACKET_BYTES);

/** How connecting can be ended. */
export interface ConnectOptions {
  /** Ends it with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for which a listener whose queue is full is tried again. Default 10,000. */
  timeoutMs?: number | undefined;
}

/**
 * A connection to a unix SEQPACKET socket: each packet arrives as it was sent, whole. At most one `send` and one
 * `receive` at a time. Its descriptor is closed by `close`, or when the object is collected.
 */
export class SeqpacketConnection implements AsyncDisposable {
  readonly #handle: PacketHandle;
  /** What `close` has to end. */
  readonly #waits = new Set<Promise<void>>();
  #closed = false;
  /** The peer closed with packets of ours unread. It is said at the end, after what it had sent. */
  #reset: NodeJS.ErrnoException | null = null;
  /** A failure to receive, which is said when what came before it was given. */
  #failure: NodeJS.ErrnoException | null = null;

  /**
   * Connect to the socket at a path of any length.
   *
   * @throws Error with the `code` of connect(2), such as `ENOENT` or `ECONNREFUSED`; `EAGAIN` when the listener's
   *   queue stays full
   */
  static async connect(path: string, options: ConnectOptions = {}): Promise<SeqpacketConnection> {
    const { signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
    const end = performance.now() + timeoutMs;
    const handle = makeHandle();
    for (;;) {
      signal?.throwIfAborted();
      const errno = handle.connect(path);
      if (errno === 0) return new SeqpacketConnection(handle);
      if (errno !== -EAGAIN || performance.now() >= end) throw systemError(errno, 'connect', path);
      await sleep(RETRY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  }

  private constructor(handle: PacketHandle) {
    this.#handle = handle;
  }

  /**
   * The packets that have arrived: one at least, and waited for. Null at the end: the peer closed or sends no
   * more, or this side was closed. An empty packet looks like the end. Descriptors that come along are closed.
   *
   * @throws Error `ECONNRESET` at the end when the peer closed without having read all; `EMSGSIZE` for a packet
   *   larger than `MAX_PACKET_BYTES`, which is lost
   */
  async receive(): Promise<Buffer[] | null> {
    const packets: Buffer[] = [];
    while (packets.length === 0) {
      const failure = this.#failure;
      this.#failure = null;
      if (failure !== null) throw failure;
      // First of all, also when something is there: a fast peer would leave no turn for anybody else.
      await this.#wait(this.#handle.readable());
      if (this.#closed) return null;
      if (this.#take(packets) || packets.length > 0) continue;
      if (this.#reset !== null) throw this.#reset;
      return null;
    }
    return packets;
  }

  /**
   * Send one packet, and resolve when the kernel has it, which is later when the peer is slow to read.
   * Descriptors are sent as copies; keep them open until then.
   *
   * @param packet at least one byte
   * @param descriptors at most 253
   * @throws Error `EPIPE` or `ECONNRESET` when the peer has gone, `EMSGSIZE` for a packet larger than the socket's
   *   buffer, `EBADF` for a descriptor that isn't open, or after `close`
   */
  async send(packet: Uint8Array, descriptors: readonly number[] = []): Promise<void> {
    for (;;) {
      const errno = this.#handle.send(packet, descriptors);
      if (errno === 0) return;
      if (errno !== -EAGAIN) throw systemError(errno, 'sendmsg');
      await this.#wait(this.#handle.writable());
    }
  }

  /** Tell the peer that nothing more comes; receiving goes on. */
  shutdown(): void {
    const errno = this.#handle.shutdown();
    if (errno !== 0) throw systemError(errno, 'shutdown');
  }

  /** Close it; waits end. Resolves when the descriptor is gone. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#handle.close();
    await Promise.all(this.#waits);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #wait(ready: Promise<void>): Promise<void> {
    this.#waits.add(ready);
    await ready;
    this.#waits.delete(ready);
  }

  /** Take what is there. @returns false when nothing more will come */
  #take(packets: Buffer[]): boolean {
    while (packets.length < BATCH_PACKETS) {
      const length = this.#handle.receive(scratch);
      if (length > 0) packets.push(Buffer.from(scratch.subarray(0, length)));
      else if (length === 0) return false;
      else if (length === -EAGAIN) return true;
      // Said once; what the peer had sent can still be received.
      else if (length === -ECONNRESET) this.#reset = systemError(length, 'recv');
      else {
        this.#failure = systemError(length, 'recv');
        return true;
      }
    }
    return true;
  }
}
