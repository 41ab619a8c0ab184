import type { Transport } from '../capnp/library.js';
import { PodherdError } from '../errors.js';
import type { MessageSocket } from './message-socket.js';
import { type OpenCall, OpenCalls } from './open-calls.js';

/**
 * What the library's connection talks to in place of a WebSocket. It passes messages on, and does what
 * the library leaves out: whatever ends the connection settles every call, a message that the library
 * would choke on ends the connection, and a call can be given up.
 */
export class SessionTransport implements Transport {
  readonly calls = new OpenCalls();
  readonly #socket: MessageSocket;
  /** The library's reader; set by its connection before the first message can arrive. */
  #deliver: (frame: Uint8Array) => void = () => {};
  #libraryOnClose: (error?: Error) => void = () => {};

  constructor(socket: MessageSocket, onEnd: (error: PodherdError) => void) {
    this.#socket = socket;
    socket.listen(
      (frame) => this.#receive(frame),
      (error) => {
        this.calls.failAll(error);
        this.#libraryOnClose(error);
        onEnd(error);
      },
    );
  }

  onMessage(deliver: (frame: Uint8Array) => void): void {
    this.#deliver = deliver;
  }

  onClose(callback: (error?: Error) => void): void {
    this.#libraryOnClose = callback;
  }

  send(frame: Uint8Array): void {
    this.#socket.send(this.calls.outgoing(frame));
  }

  /** Called by the library when it wants the connection to end. */
  close(): void {
    this.#socket.end(new PodherdError('PROTOCOL_ERROR', 'the connection ended because of an RPC error'));
  }

  /** Give up a call; the server is told with a finish. */
  giveUp(call: OpenCall, error: PodherdError): void {
    this.calls.giveUp(call, error, this.#deliver);
  }

  #receive(frame: Uint8Array): void {
    // What is thrown here, by us or by the library, ends the connection: see MessageSocket.
    this.calls.incoming(frame);
    this.#deliver(frame);
  }
}
