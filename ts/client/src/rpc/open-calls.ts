import { errorFromException } from '../error-from.js';
import { PodherdError } from '../errors.js';
import { encodeCancelledReturn, encodeReleasingFinish, readAbort, readException } from './messages.js';
import { MessageKind, peek, ReturnKind } from './peek.js';

/** One call that was sent and is not settled. */
export interface OpenCall {
  readonly id: number;
  /** Reject the call. Called at most once, and never after `OpenCalls.settle`. */
  fail(error: PodherdError): void;
}

/**
 * The calls that wait for an answer, kept beside the library's own table. The library sees neither the
 * kind of an exception nor a way to give a call up, and forgets a call whose answer it can't read; here
 * every call that was sent is settled, whatever comes back.
 */
export class OpenCalls {
  readonly #calls = new Map<number, OpenCall>();
  /** Given up, and the library's finish is not seen yet. */
  readonly #givenUp = new Set<number>();
  /** Called with the id of the next call or bootstrap that passes. */
  #capture: ((id: number) => void) | null = null;

  get size(): number {
    return this.#calls.size + this.#givenUp.size;
  }

  /**
   * Run `send`, which makes the library send one call, and keep that call as open. A library that sent
   * nothing, because it knows of no way to, says so by what `send` returns.
   */
  track(send: () => void, fail: (error: PodherdError) => void): OpenCall {
    let id = -1;
    this.#capture = (captured) => (id = captured);
    try {
      send();
    } finally {
      this.#capture = null;
    }
    const call = { id, fail };
    if (id >= 0) this.#calls.set(id, call);
    return call;
  }

  /** The call has its answer. */
  settle(call: OpenCall): void {
    this.#calls.delete(call.id);
  }

  /**
   * Give the call up: it fails with `error`, and the library, told by an answer of our own making,
   * forgets it and sends the finish that tells the server.
   */
  giveUp(call: OpenCall, error: PodherdError, deliver: (frame: Uint8Array) => void): void {
    if (!this.#calls.delete(call.id)) return;
    this.#givenUp.add(call.id);
    deliver(encodeCancelledReturn(call.id, error.message));
    call.fail(error.withUnknownOutcome());
  }

  /** Every open call fails with `error`; what became of it is unknown. */
  failAll(error: PodherdError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#givenUp.clear();
    for (const call of calls) call.fail(error.withUnknownOutcome());
  }

  /** Look at a message that the library sends; what is returned is sent in its place. */
  outgoing(frame: Uint8Array): Uint8Array {
    const { kind, id } = peek(frame);
    if (kind === MessageKind.call || kind === MessageKind.bootstrap) {
      this.#capture?.(id);
      this.#capture = null;
    } else if (kind === MessageKind.finish && this.#givenUp.delete(id)) {
      return encodeReleasingFinish(id);
    }
    return frame;
  }

  /**
   * Look at a message that arrived, before the library does.
   *
   * @throws PodherdError `PROTOCOL_ERROR` or `CONNECTION_CLOSED` when the connection can't go on after it.
   */
  incoming(frame: Uint8Array): void {
    const { kind, id, returnKind } = peek(frame);
    switch (kind) {
      case MessageKind.return:
        this.#returned(id, returnKind, frame);
        return;
      case MessageKind.abort:
        throw abortError(frame);
      case MessageKind.unimplemented:
        throw new PodherdError('PROTOCOL_ERROR', 'the server does not know a message that this client sent');
      case MessageKind.bootstrap:
      case MessageKind.call:
      case MessageKind.finish:
      case MessageKind.resolve:
      case MessageKind.release:
      case MessageKind.disembargo:
        return;
      default:
        throw new PodherdError('PROTOCOL_ERROR', `the server sent a message of the unknown kind ${kind}`);
    }
  }

  #returned(id: number, returnKind: number, frame: Uint8Array): void {
    if (returnKind === ReturnKind.results) return;
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (returnKind === ReturnKind.exception) {
      const { kind, reason } = readException(frame);
      call.fail(errorFromException(kind, reason));
    } else {
      call.fail(
        new PodherdError(
          'PROTOCOL_ERROR',
          `the server answered in a way (${returnKind}) that was not asked for`,
        ),
      );
    }
  }
}

/** Why the server ended the connection: it is leaving, or it could not go on with this client. */
function abortError(frame: Uint8Array): PodherdError {
  const { kind, reason } = readAbort(frame);
  const code = kind === 'disconnected' ? 'CONNECTION_CLOSED' : 'PROTOCOL_ERROR';
  return new PodherdError(code, `the server ended the connection: ${reason}`);
}
