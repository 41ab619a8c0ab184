import { type Client, Conn } from '../capnp/library.js';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import { CallLimit } from './call-limit.js';
import { type CallOptions, Deadline, within } from './deadline.js';
import { MessageSocket, type MessageSocketOptions } from './message-socket.js';
import { SessionTransport } from './transport.js';
import { connectUnixSocket } from './unix-socket.js';

/** Calls in flight on one connection, long polls not counted. The server's limit, both together, is 8,192. */
export const CALLS_IN_FLIGHT = 1_024;
/** Long polls in flight. They have a limit of their own, so that a thousand waits can't hold up the kill that ends them. */
export const POLLS_IN_FLIGHT = 4_096;
/** Milliseconds for connecting, and for the server's first answer. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Milliseconds that a call may take unless its caller says otherwise: longer than any limit of the server's own. */
export const DEFAULT_CALL_TIMEOUT_MS = 180_000;

export interface SessionOptions extends MessageSocketOptions {
  callsInFlight?: number;
  pollsInFlight?: number;
}

export interface SessionCallOptions extends CallOptions {
  /** The server answers this one only after a while, by design; see `POLLS_IN_FLIGHT`. */
  longPoll?: boolean;
}

/** What waits on a session; all zero when it is idle. For tests and for diagnostics. */
export interface SessionCounts {
  open: number;
  queued: number;
}

/**
 * One connection to a server: the library's connection made safe. Every call settles, whatever becomes
 * of the peer, of its signal, or of its time; nothing of it stays behind.
 */
export class Session {
  readonly #socket: MessageSocket;
  readonly #transport: SessionTransport;
  readonly #conn: Conn;
  readonly #callLimit: CallLimit;
  readonly #pollLimit: CallLimit;
  readonly #closed: Promise<PodherdError | undefined>;
  /** Who is told of the end. A promise would keep each of them until then. */
  readonly #endListeners = new Set<() => void>();
  /** The server's bootstrap capability. Released on close. */
  #root: Client | null = null;
  #closedByUs = false;

  /**
   * Connect to the server that listens at `socketPath`, and wait for its first answer.
   *
   * @throws PodherdError `CONNECTION_FAILED` when nobody listens there, `TIMEOUT`, `ABORTED`
   */
  static async connect(socketPath: string, options: SessionOptions & CallOptions = {}): Promise<Session> {
    const deadline = new Deadline(`connecting to ${socketPath}`, {
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? CONNECT_TIMEOUT_MS,
    });
    try {
      const socket = await connectUnixSocket(socketPath, deadline);
      const session = new Session(new MessageSocket(socket, options), options);
      try {
        session.#root = await session.#bootstrap(deadline);
        return session;
      } catch (error) {
        await session.close();
        throw error;
      }
    } finally {
      deadline.stop();
    }
  }

  private constructor(socket: MessageSocket, options: SessionOptions) {
    this.#socket = socket;
    this.#callLimit = new CallLimit(options.callsInFlight ?? CALLS_IN_FLIGHT);
    this.#pollLimit = new CallLimit(options.pollsInFlight ?? POLLS_IN_FLIGHT);
    let settleClosed: (error: PodherdError | undefined) => void = () => {};
    this.#closed = new Promise((resolve) => (settleClosed = resolve));
    this.#transport = new SessionTransport(socket, (error) => {
      this.#callLimit.refuseAll(error);
      this.#pollLimit.refuseAll(error);
      settleClosed(this.#closedByUs ? undefined : error);
      for (const listener of [...this.#endListeners]) listener();
      this.#endListeners.clear();
    });
    this.#conn = new Conn(this.#transport);
  }

  /** The server's bootstrap capability. */
  get root(): Client {
    if (this.#root === null) throw this.#gone();
    return this.#root;
  }

  get counts(): SessionCounts {
    return {
      open: this.#transport.calls.size,
      queued: this.#callLimit.waiting + this.#pollLimit.waiting,
    };
  }

  /** Resolves when the connection has ended: with the reason, or undefined after `close`. Never rejects. */
  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  /** Be told of the end, at once when it has ended, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    if (this.#socket.ended !== null) queueMicrotask(listener);
    else this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /**
   * Make one call. `send` makes the library send it, and is called when there is a place for it.
   *
   * @param what what is being done, for messages: "start of web"
   */
  async call<T>(what: string, send: () => PromiseLike<T>, options: SessionCallOptions = {}): Promise<T> {
    if (this.#socket.ended !== null) throw this.#gone();
    const { signal, timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
    const deadline = new Deadline(what, { signal, timeoutMs });
    const limit = options.longPoll === true ? this.#pollLimit : this.#callLimit;
    try {
      await limit.take(deadline);
      try {
        // Nothing may be awaited between the look at the socket and the send, or many would pass at once.
        while (this.#socket.needsDrain) await within(this.#socket.drained(), deadline);
        deadline.check();
        if (this.#socket.ended !== null) throw this.#gone();
        return await this.#send(send, deadline);
      } finally {
        limit.release();
      }
    } finally {
      deadline.stop();
    }
  }

  /** Release what is held of the server and end the connection. Calls in flight reject with `CONNECTION_CLOSED`. */
  async close(): Promise<void> {
    if (this.#socket.ended === null) {
      this.#closedByUs = true;
      this.#root?.dispose();
      this.#socket.end(new PodherdError('CONNECTION_CLOSED', 'this client closed the connection'));
    }
    this.#root = null;
    await this.#closed;
  }

  #send<T>(send: () => PromiseLike<T>, deadline: Deadline): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: PromiseLike<T> | undefined;
      const call = this.#transport.calls.track(() => {
        result = send();
      }, reject);
      result?.then(
        (value) => {
          this.#transport.calls.settle(call);
          resolve(value);
        },
        (thrown: unknown) => {
          this.#transport.calls.settle(call);
          // Exceptions were seen and rejected before; what is left is an answer that the library can't read.
          reject(toPodherdError(thrown, 'PROTOCOL_ERROR').withUnknownOutcome());
        },
      );
      deadline.onFire((error) => this.#transport.giveUp(call, error));
    }).finally(() => deadline.onFire(null));
  }

  async #bootstrap(deadline: Deadline): Promise<Client> {
    let promised: Client | undefined;
    await this.#send<unknown>(() => {
      promised = this.#conn.bootstrap(BOOTSTRAP).client;
      const target = promised._target;
      return target.tag === 'promised' ? target.question.promise : Promise.resolve();
    }, deadline);
    const target = promised?._target;
    if (target?.tag !== 'promised')
      throw new PodherdError('PROTOCOL_ERROR', 'the server offers no interface');
    const root = target.question.clientForTransform(target.transform);
    if (root._target.tag !== 'import')
      throw new PodherdError('PROTOCOL_ERROR', 'the server offers no interface');
    return root;
  }

  /** The error for what is asked after the end: it was not sent, so its outcome is known. */
  #gone(): PodherdError {
    const cause = this.#socket.ended ?? undefined;
    return new PodherdError(
      'CONNECTION_CLOSED',
      `the connection is closed: ${cause?.message ?? 'it never opened'}`,
      { cause },
    );
  }
}

/** What the library wants to know of an interface in order to ask for it. */
class BootstrapClient {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }
}

const BOOTSTRAP = { _capnp: { displayName: 'bootstrap', id: '0' }, Client: BootstrapClient };
