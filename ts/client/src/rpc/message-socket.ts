import type { Socket } from 'node:net';
import { PodherdError } from '../errors.js';
import { FrameReader } from './frames.js';

/** How long a peer may stay silent in the middle of a message, in milliseconds. The server's limit is the same. */
export const HALF_MESSAGE_SILENCE_MS = 10_000;

export interface MessageSocketOptions {
  maxMessageBytes?: number;
  halfMessageSilenceMs?: number;
}

/**
 * A stream socket that carries Cap'n Proto messages. It ends once, with one error, whichever side or
 * failure ends it; afterwards nothing is sent and nothing is delivered.
 */
export class MessageSocket {
  /** Owned here: destroyed when this ends. */
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #silenceMs: number;
  #onFrame: (frame: Uint8Array) => void = () => {};
  #onEnd: (error: PodherdError) => void = () => {};
  #ended: PodherdError | null = null;
  #corked = false;
  /** Runs while part of a message is here and the rest is not. */
  #silence: NodeJS.Timeout | null = null;
  #drainWaiters: (() => void)[] = [];

  constructor(socket: Socket, options: MessageSocketOptions = {}) {
    this.#socket = socket;
    this.#reader = new FrameReader(options.maxMessageBytes);
    this.#silenceMs = options.halfMessageSilenceMs ?? HALF_MESSAGE_SILENCE_MS;
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    socket.on('drain', () => this.#wakeDrainWaiters());
    socket.on('error', (cause) => this.end(closedBy('the connection to the server failed', cause)));
    socket.on('end', () => this.end(this.#endOfStream()));
    socket.on('close', () => this.end(closedBy('the connection to the server closed')));
    if (socket.destroyed) process.nextTick(() => this.end(closedBy('the connection to the server closed')));
  }

  /** Why this ended, or null while it is open. */
  get ended(): PodherdError | null {
    return this.#ended;
  }

  /** Register who takes the messages, and who learns of the end. Each is called from the event loop. */
  listen(onFrame: (frame: Uint8Array) => void, onEnd: (error: PodherdError) => void): void {
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
  }

  /** Send one message. The messages of one tick leave in one system call. */
  send(frame: Uint8Array): void {
    if (this.#ended !== null) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  /** Whether more was sent than the kernel takes for now. */
  get needsDrain(): boolean {
    return this.#ended === null && this.#socket.writableNeedDrain;
  }

  /** Resolves once the peer has taken what was sent, or this has ended. */
  drained(): Promise<void> {
    if (!this.needsDrain) return Promise.resolve();
    return new Promise((resolve) => this.#drainWaiters.push(resolve));
  }

  /** End this with `error`, unless it has ended. Frames that were sent already are still written where the peer reads. */
  end(error: PodherdError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#stopSilence();
    if (this.#socket.destroyed || this.#socket.writableEnded || error.code === 'PROTOCOL_ERROR') {
      this.#socket.destroy();
    } else {
      if (this.#corked) this.#socket.uncork();
      this.#socket.end(() => this.#socket.destroy());
      // A peer that reads nothing would keep the socket, and with it the process, alive.
      setTimeout(() => this.#socket.destroy(), 1_000).unref();
      this.#socket.unref();
    }
    this.#wakeDrainWaiters();
    this.#onEnd(error);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended !== null) return;
    this.#stopSilence();
    try {
      this.#reader.push(chunk, (frame) => {
        if (this.#ended === null) this.#onFrame(frame);
      });
    } catch (thrown) {
      this.end(
        thrown instanceof PodherdError
          ? thrown
          : new PodherdError('PROTOCOL_ERROR', 'the server sent a message that cannot be read', {
              cause: thrown,
            }),
      );
      return;
    }
    if (this.#reader.partial && this.#ended === null) this.#startSilence();
  }

  #startSilence(): void {
    this.#silence = setTimeout(() => {
      const silence = this.#silence;
      // Timers run before sockets are read: after a long pause of this process the rest may be waiting.
      setImmediate(() => {
        if (silence === null || this.#silence !== silence) return;
        this.end(
          new PodherdError(
            'PROTOCOL_ERROR',
            `the server sent half a message and then nothing for ${this.#silenceMs} ms`,
          ),
        );
      });
    }, this.#silenceMs);
    this.#silence.unref();
  }

  #stopSilence(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
  }

  #endOfStream(): PodherdError {
    if (!this.#reader.partial) return closedBy('the server closed the connection');
    return new PodherdError('PROTOCOL_ERROR', 'the server closed the connection in the middle of a message');
  }

  #wakeDrainWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }
}

function closedBy(message: string, cause?: Error): PodherdError {
  return new PodherdError('CONNECTION_CLOSED', message, { cause });
}
