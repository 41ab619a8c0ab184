import { setTimeout as sleep } from 'node:timers/promises';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { ServerInfo } from '../generated/podherd.js';
import type { Logger } from '../logger.js';
import { SessionCaller } from '../rpc/caller.js';
import { type CallOptions, Deadline, within } from '../rpc/deadline.js';
import type { Session } from '../rpc/session.js';
import { publishConnection } from '../trace/diagnostics.js';
import { delayBefore, type ReconnectPolicy } from './reconnect.js';

/** Milliseconds that one attempt to connect anew may take. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** A session, and what the server said of itself over it. */
export interface Dialled {
  readonly session: Session;
  /** Null for a server that speaks conmon-rs's protocol only. */
  readonly info: ServerInfo | null;
}

/** Connects to the server. */
export type Dial = (options: CallOptions) => Promise<Dialled>;

export interface LinkOptions {
  readonly socketPath: string;
  readonly dial: Dial;
  /** Null: a lost connection is the end. */
  readonly reconnect: ReconnectPolicy | null;
  readonly logger: Logger;
}

/** The server's bootstrap capability over one session. */
interface Line {
  readonly session: Session;
  readonly root: SessionCaller;
}

/**
 * The way to a server, over one session after the other: when one is lost, the next is made, as long as the policy
 * allows. It ends once, by `close` or by giving up.
 */
export class Link {
  readonly #options: LinkOptions;
  /** The present session; null while there is none. */
  #line: Line | null;
  #info: ServerInfo | null;
  /** Resolves when there is a line again, or never will be. */
  #reconnecting: Promise<void> | null = null;
  readonly #ending = new AbortController();
  /** Why it ended; undefined in it: by `close`. */
  #ended: { readonly why: PodherdError | undefined } | null = null;
  readonly #closed: Promise<PodherdError | undefined>;
  #settleClosed: (why: PodherdError | undefined) => void = () => {};

  /** Connect for the first time. One attempt. */
  static async open(options: LinkOptions, call: CallOptions): Promise<Link> {
    return new Link(options, await options.dial(call));
  }

  private constructor(options: LinkOptions, first: Dialled) {
    this.#options = options;
    this.#closed = new Promise((resolve) => (this.#settleClosed = resolve));
    this.#info = first.info;
    this.#line = this.#take(first, 'connected');
  }

  get socketPath(): string {
    return this.#options.socketPath;
  }

  /** What the server said of itself when it was last connected to; null for one of conmon-rs. */
  get info(): ServerInfo | null {
    return this.#info;
  }

  /** Whether this goes on: there is a connection, or the next one is being made. */
  get goesOn(): boolean {
    return this.#ended === null;
  }

  /** Whether there is a connection now. */
  get isUp(): boolean {
    return this.#line !== null;
  }

  /** Resolves when this has ended: with the reason, or with undefined after `close`. Never rejects. */
  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  /** The present way to the server's object, or null while there is none. */
  get root(): SessionCaller | null {
    return this.#line?.root ?? null;
  }

  /**
   * Wait for a connection.
   *
   * @throws PodherdError `CONNECTION_CLOSED` when there won't be one; the deadline's error
   */
  async connected(what: string, options: CallOptions): Promise<SessionCaller> {
    const deadline = new Deadline(what, options);
    try {
      for (;;) {
        deadline.check();
        if (this.#line !== null) return this.#line.root;
        if (this.#reconnecting === null) throw this.#gone();
        await within(this.#reconnecting, deadline);
      }
    } finally {
      deadline.stop();
    }
  }

  /** Disconnect. Calls in flight reject with `CONNECTION_CLOSED`. May be called again. */
  async close(): Promise<void> {
    const line = this.#line;
    this.#end(undefined);
    await line?.session.close();
    await this.#reconnecting;
  }

  #take({ session, info }: Dialled, event: 'connected' | 'reconnected'): Line {
    const line = { session, root: new SessionCaller(session, session.root) };
    this.#line = line;
    this.#info = info;
    publishConnection({ event, socketPath: this.#options.socketPath });
    void session.closed().then((why) => {
      if (this.#line === line) this.#lose(why);
    });
    return line;
  }

  #lose(why: PodherdError | undefined): void {
    this.#line = null;
    const { reconnect, socketPath, logger } = this.#options;
    if (this.#ended !== null) return;
    publishConnection({ event: 'lost', socketPath, error: why });
    // What conmon-rs's servers leave to their clients does not survive them.
    if (reconnect === null || this.#info === null) {
      this.#end(why ?? new PodherdError('CONNECTION_CLOSED', 'the connection was closed'));
      return;
    }
    logger.warn({ socketPath, err: why }, 'the connection to the server was lost; connecting anew');
    this.#reconnecting = this.#reconnect(reconnect, why).finally(() => (this.#reconnecting = null));
  }

  async #reconnect(policy: ReconnectPolicy, lost: PodherdError | undefined): Promise<void> {
    const { dial, socketPath, logger } = this.#options;
    const { signal } = this.#ending;
    let last = lost;
    for (let attempt = 0; attempt < policy.attempts; attempt++) {
      try {
        await sleep(delayBefore(attempt, policy), undefined, { signal });
        const dialled = await dial({ signal, timeoutMs: ATTEMPT_TIMEOUT_MS });
        if (signal.aborted) return await dialled.session.close();
        this.#take(dialled, 'reconnected');
        logger.info({ socketPath, attempt }, 'connected to the server again');
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        last = toPodherdError(thrown, 'CONNECTION_FAILED');
        logger.debug({ socketPath, attempt, err: last }, 'no connection to the server yet');
      }
    }
    this.#end(
      new PodherdError(
        'CONNECTION_CLOSED',
        `the connection to ${socketPath} was lost, and ${policy.attempts} attempts to make it again failed: ` +
          `${last?.message}`,
        { cause: last },
      ),
    );
  }

  #end(why: PodherdError | undefined): void {
    if (this.#ended !== null) return;
    this.#ended = { why };
    this.#line = null;
    this.#ending.abort();
    publishConnection({ event: 'closed', socketPath: this.#options.socketPath, error: why });
    this.#settleClosed(why);
  }

  /** The error for what is asked after the end: it was not sent, so its outcome is known. */
  #gone(): PodherdError {
    const cause = this.#ended?.why;
    const message = cause?.message ?? 'this client closed the connection';
    return new PodherdError('CONNECTION_CLOSED', `the connection is closed: ${message}`, { cause });
  }
}
