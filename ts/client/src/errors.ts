import type { ErrorCode } from './error-codes.js';

/** What is known beside the code and the text of an error. */
export interface PodherdErrorOptions {
  /** The error that this one comes from. */
  cause?: unknown;
  /** The request was sent and no answer came: it may or may not have taken effect. */
  outcomeUnknown?: boolean;
}

/**
 * The one error class of this package. Branch on `code`; docs/errors.md lists every code with its
 * cause and what to do about it.
 */
export class PodherdError extends Error {
  override readonly name = 'PodherdError';
  /** What happened, from a closed list that keeps its meaning between releases. */
  readonly code: ErrorCode;
  /** The request was sent and no answer came: it may or may not have taken effect. */
  readonly outcomeUnknown: boolean;

  constructor(code: ErrorCode, message: string, options: PodherdErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
  }

  /** The same error, for a request that was sent and got no answer because of it. */
  withUnknownOutcome(): PodherdError {
    return new PodherdError(this.code, this.message, { cause: this.cause, outcomeUnknown: true });
  }

  /** A limit of time ended the call: the client's own (`TIMEOUT`) or the server's (`RUNTIME_TIMEOUT`). */
  get timedOut(): boolean {
    return this.code === 'TIMEOUT' || this.code === 'RUNTIME_TIMEOUT';
  }

  /** The caller's AbortSignal ended the call. */
  get aborted(): boolean {
    return this.code === 'ABORTED';
  }

  /** The connection to the server is gone; a new one is needed before anything else can be asked. */
  get disconnected(): boolean {
    return (
      this.code === 'CONNECTION_CLOSED' || this.code === 'CONNECTION_FAILED' || this.code === 'PROTOCOL_ERROR'
    );
  }
}
