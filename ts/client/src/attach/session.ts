import type { Readable, Writable } from 'node:stream';
import type { PodherdError } from '../errors.js';

/**
 * The streams of a container, until it ends or this is closed. What is not read slows this session alone: its
 * other stream, and its input. Past a bound of the server (`--attach-behind-bytes`) it is disconnected. So read
 * both outputs, or let one flow to nowhere: `session.stderr.resume()`.
 */
export interface AttachSession extends AsyncDisposable {
  /** The container's standard input; shared by all its sessions. `end` says that no more comes from this one. */
  readonly stdin: Writable;
  /** What the container writes from now on; with a terminal, all of it. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Resolves when the session has ended: with undefined when the container's output has ended or after `close`,
   * else with the reason, which the streams fail with too. Never rejects. What has arrived can still be read.
   */
  closed(): Promise<PodherdError | undefined>;
  /** Resize the container's terminal. Rejects with `NO_TERMINAL` where there is none. */
  resize(columns: number, rows: number): Promise<void>;
  /** Leave; the container goes on. Its streams are destroyed. May be called again. */
  close(): Promise<void>;
}
