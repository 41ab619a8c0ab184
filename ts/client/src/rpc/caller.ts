import { type CapabilityAdapter, decode, install, libraryMethod, localClient } from '../capnp/bridge.js';
import {
  type Caller,
  CapabilityClient,
  encodeStruct,
  InvalidValueError,
  MalformedMessageError,
  type MethodDescriptor,
} from '../capnp/index.js';
import type { Client } from '../capnp/library.js';
import { PodherdError } from '../errors.js';
import type { TraceSource } from '../trace/context.js';
import type { CallOptions } from './deadline.js';
import { MAX_MESSAGE_BYTES } from './frames.js';
import type { Session } from './session.js';

/** Room that a call's own message needs beside its params. */
const CALL_OVERHEAD_BYTES = 4_096;

/** What the generated clients' options may carry beside what they declare. */
export interface SessionCallerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMillis?: number | undefined;
  /** See `POLLS_IN_FLIGHT`. */
  readonly longPoll?: boolean;
  /** What is being done, for messages; the method's name if it isn't said. */
  readonly what?: string;
  /** Goes into the request's metadata; see `RootCaller`. */
  readonly trace?: TraceSource | undefined;
}

/** A caller's options as the generated clients take them. */
export function callerOptions(what: string, options: CallOptions): SessionCallerOptions {
  return { what, signal: options.signal, timeoutMillis: options.timeoutMs, trace: options.trace };
}

/** One remote object, called through a session. */
export class SessionCaller implements Caller {
  readonly #session: Session;
  readonly #client: Client;
  #released = false;

  constructor(session: Session, client: Client) {
    this.#session = session;
    this.#client = client;
  }

  /**
   * @throws PodherdError `INVALID_ARGUMENT` before anything is sent, when the schema does not allow the params;
   *   the server's answer; see `Session.call`
   */
  async call<P, PI, R, RI>(
    method: MethodDescriptor<P, PI, R, RI>,
    params: PI,
    options: SessionCallerOptions = {},
  ): Promise<R> {
    const what = options.what ?? method.methodName;
    if (this.#released) throw new PodherdError('INVALID_ARGUMENT', `${what}: the object was released`);
    const encoded = encodeParams(method, params);
    // An error while the library fills in its message would leave a question behind: find it here.
    for (const value of encoded.capabilities) this.#adapter.exportCapability(value);
    const results = await this.#session.call(
      what,
      () => this.#client.call(libraryMethod(method), (target) => install(encoded, target, this.#adapter)),
      { signal: options.signal, timeoutMs: options.timeoutMillis, longPoll: options.longPoll ?? false },
    );
    try {
      return decode(method.results, results, this.#adapter);
    } catch (cause) {
      if (!(cause instanceof MalformedMessageError)) throw cause;
      throw new PodherdError(
        'PROTOCOL_ERROR',
        `the server's answer to ${what} cannot be read: ${cause.message}`,
        { cause },
      );
    }
  }

  /** Tell the server that the object is not needed any more. Calls after it reject. */
  release(): void {
    this.#released = true;
    this.#client.dispose();
  }

  /** Be told when the connection has ended, at once when it has, until the returned function is called. */
  onLost(listener: () => void): () => void {
    return this.#session.onEnd(listener);
  }

  readonly #adapter: CapabilityAdapter = {
    importCapability: (client) => new SessionCaller(this.#session, client),
    exportCapability: (value) => {
      if (!(value instanceof CapabilityClient)) return localClient(value, this.#adapter);
      if (value.caller instanceof SessionCaller && value.caller.#session === this.#session)
        return value.caller.#client;
      throw new PodherdError('INVALID_ARGUMENT', 'an object of one connection cannot be passed to another');
    },
  };
}

function encodeParams<P, PI, R, RI>(method: MethodDescriptor<P, PI, R, RI>, params: PI) {
  try {
    const encoded = encodeStruct(method.params, params, method.methodName);
    if (encoded.bytes.byteLength + CALL_OVERHEAD_BYTES <= MAX_MESSAGE_BYTES) return encoded;
  } catch (cause) {
    if (!(cause instanceof InvalidValueError)) throw cause;
    throw new PodherdError('INVALID_ARGUMENT', cause.message, { cause });
  }
  // The server would close the connection, and every other call would end with this one.
  throw new PodherdError(
    'INVALID_ARGUMENT',
    `the arguments of ${method.methodName} are larger than ${MAX_MESSAGE_BYTES} bytes`,
  );
}
