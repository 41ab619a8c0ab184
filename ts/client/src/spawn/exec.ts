import type { Readable, Writable } from 'node:stream';
import { PodherdError } from '../errors.js';
import type { ExitState } from '../exit-state.js';
import type { CallOptions } from '../rpc/deadline.js';
import type { Input } from '../streams/input.js';
import type { Output } from '../streams/output.js';
import type { Hold } from './hold.js';

/** What an exec is made of; it owns all of it. */
export interface ExecParts {
  readonly execId: bigint;
  readonly pid: number;
  readonly stdin: Input | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly hold: Hold;
}

/**
 * A command that runs in a container. Closing it (`await using`, `close`), or the loss of the connection, kills it with
 * all that came of it. An output that is not read holds the command up: read both, or `resume()` what is not wanted.
 */
export class Exec implements AsyncDisposable {
  /** Its number on this server; events name it. */
  readonly execId: bigint;
  /** In the server's pid namespace. */
  readonly pid: number;
  /** Null for a command that was started without an input. */
  readonly stdin: Writable | null;
  /** With a terminal, all of its output. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #parts: ExecParts;
  readonly #streamsEnded: Promise<void>;

  /** @internal Use `Container.spawn`. */
  constructor(parts: ExecParts) {
    this.#parts = parts;
    ({ execId: this.execId, pid: this.pid } = parts);
    ({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr } = parts);
    this.#streamsEnded = this.#endStreams();
  }

  /**
   * How it ended, once all its output was taken. Given up, only the wait ends: the command goes on.
   *
   * @throws PodherdError `CONNECTION_CLOSED` when the connection was lost, `ABORTED` after `close`
   */
  wait(options: CallOptions = {}): Promise<ExitState> {
    return this.#parts.hold.wait(options);
  }

  /** Send a signal, by name ("SIGTERM") or number, to its process. */
  async kill(signal: NodeJS.Signals | number = 'SIGTERM', options: CallOptions = {}): Promise<void> {
    await this.#parts.hold.signal(signal, options);
  }

  /** Resize its terminal. @throws PodherdError `NO_TERMINAL` for one without */
  resize(columns: number, rows: number, options: CallOptions = {}): Promise<void> {
    return this.#parts.hold.resize(columns, rows, options);
  }

  /** Kill it with all that came of it, if it runs, and destroy its streams. Resolves when the server was told. */
  async close(): Promise<void> {
    this.#parts.hold.letGo();
    await this.#streamsEnded;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #endStreams(): Promise<void> {
    const { hold, stdin, stdout, stderr } = this.#parts;
    const end = await hold.ended();
    if ('exit' in end) {
      // What has arrived can still be read.
      stdin?.destroy();
      for (const output of [stdout, stderr]) output.finish();
      return;
    }
    const why = end.error ?? new PodherdError('ABORTED', 'the exec was closed before its end');
    stdin?.destroy(why);
    for (const output of [stdout, stderr]) output.destroy(why);
  }
}
