import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import { type ExitState, exitFromWire, unknownExit } from '../exit-state.js';
import type { SessionClient } from '../generated/podherd.js';
import { POLL_GRACE_MS, POLL_MS } from '../lifecycle/wait-by-polls.js';
import { onAbort } from '../rpc/abort-signal.js';
import { type CallOptions, Deadline, within } from '../rpc/deadline.js';
import { callerOptions, type SessionCallerOptions } from '../rpc/caller.js';
import { signalNumber } from '../signals.js';

/** How a session ended: its process has, or it was given up, and `error` says why (undefined: by `letGo`). */
export type HoldEnd = { readonly exit: ExitState } | { readonly error: PodherdError | undefined };

/**
 * A hold on the streams of a process, which is a session on the server. Whoever made it is told once of its end, and
 * nothing of it is left on the connection then.
 */
export class Hold {
  readonly #session: SessionClient;
  readonly #what: string;
  readonly #ending = new AbortController();
  #why: PodherdError | undefined;
  readonly #ended: Promise<HoldEnd>;
  #end: HoldEnd | null = null;

  /** @param signal lets go of it, with `ABORTED` */
  constructor(session: SessionClient, what: string, signal: AbortSignal | undefined) {
    this.#session = session;
    this.#what = what;
    const stopListening =
      signal === undefined
        ? () => {}
        : onAbort(signal, () =>
            this.letGo(new PodherdError('ABORTED', `${what} was aborted`, { cause: signal.reason })),
          );
    this.#ended = this.#run().then((end) => {
      stopListening();
      return (this.#end = end);
    });
  }

  /** Resolves with how it ended. Never rejects. */
  ended(): Promise<HoldEnd> {
    return this.#ended;
  }

  /** How the process ended, once all its output was taken. Given up, only the wait ends. */
  async wait(options: CallOptions): Promise<ExitState> {
    const deadline = new Deadline(`wait for ${this.#what}`, options);
    try {
      deadline.check();
      const end = await within(this.#ended, deadline);
      if ('exit' in end) return end.exit;
      throw this.#error(end);
    } finally {
      deadline.stop();
    }
  }

  async resize(columns: number, rows: number, options: CallOptions): Promise<void> {
    this.#check();
    await this.#session.resize({ columns, rows }, callerOptions(`resize of ${this.#what}`, options));
  }

  async signal(signal: NodeJS.Signals | number, options: CallOptions): Promise<void> {
    this.#check();
    const call = callerOptions(`signal to ${this.#what}`, options);
    await this.#session.signal({ signal: signalNumber(signal) }, call);
  }

  /** Give it up: the server ends the session. May be called again. */
  letGo(why?: PodherdError): void {
    if (this.#ending.signal.aborted) return;
    this.#why = why;
    this.#ending.abort();
  }

  /** @throws PodherdError when there is nothing to hold any more */
  #check(): void {
    if (this.#end !== null) throw this.#error(this.#end);
  }

  #error(end: HoldEnd): PodherdError {
    if ('exit' in end) return new PodherdError('EXEC_SESSION_NOT_FOUND', `${this.#what} has ended`);
    return end.error ?? new PodherdError('ABORTED', `${this.#what} was closed before its end`);
  }

  async #run(): Promise<HoldEnd> {
    const { signal } = this.#ending;
    try {
      for (;;) {
        const started = performance.now();
        const call = callerOptions(`wait for ${this.#what}`, { signal, timeoutMs: POLL_MS + POLL_GRACE_MS });
        const poll: SessionCallerOptions = { ...call, longPoll: true };
        const { end, exit } = await this.#session.wait({ timeoutMillis: POLL_MS }, poll);
        if (end === 'exited') {
          return { exit: exit === undefined ? unknownExit('status-unavailable') : exitFromWire(exit) };
        }
        if (end === 'behind') return { error: behind(this.#what) };
        if (performance.now() - started < POLL_MS / 2) {
          return { error: new PodherdError('PROTOCOL_ERROR', `the server does not wait for ${this.#what}`) };
        }
      }
    } catch (thrown) {
      return { error: signal.aborted ? this.#why : toPodherdError(thrown) };
    } finally {
      // A call in flight would keep the session alive on the server; by now there is none.
      this.#session[Symbol.dispose]();
    }
  }
}

function behind(what: string): PodherdError {
  return new PodherdError('ATTACH_CLIENT_BEHIND', `${what}: the output was taken too slowly, and given up`);
}
