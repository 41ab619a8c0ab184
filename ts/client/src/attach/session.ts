import type { Readable, Writable } from 'node:stream';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { PacketConnection } from '../packets/addon.js';
import { onAbort } from '../rpc/abort-signal.js';
import { Input } from './input.js';
import { Output } from './output.js';
import { readPacket } from './packets.js';

/**
 * The streams of a container, until it ends or this is closed. What is not read slows this session alone: its
 * other stream, and its input. Past a bound of the server (`--attach-behind-bytes`) it is disconnected. So read
 * both outputs, or let one flow to nowhere: `session.stderr.resume()`.
 */
export class AttachSession implements AsyncDisposable {
  /** The container's standard input; shared by all its sessions. `end` says that no more comes from this one. */
  readonly stdin: Writable;
  /** What the container writes from now on; with a terminal, all of it. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #connection: PacketConnection;
  readonly #outputs: { readonly stdout: Output; readonly stderr: Output };
  readonly #closed: Promise<PodherdError | undefined>;
  /** Why it was ended from this side; undefined in it: by `close`. */
  #ended: { readonly why: PodherdError | undefined } | null = null;

  /** @internal Use `Container.attach`. The connection becomes this session's own. */
  constructor(connection: PacketConnection, id: string, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#outputs = { stdout: new Output(), stderr: new Output() };
    this.stdin = new Input(connection);
    ({ stdout: this.stdout, stderr: this.stderr } = this.#outputs);
    const letGo =
      signal === undefined
        ? () => {}
        : onAbort(signal, () => {
            const why = new PodherdError('ABORTED', `attach to ${id} was aborted`, { cause: signal.reason });
            void this.#end(why);
          });
    this.#closed = this.#run(id).finally(letGo);
  }

  /**
   * Resolves when the session has ended: with undefined when the container's output has ended or after `close`,
   * else with the reason, which the streams fail with too. Never rejects. What has arrived can still be read.
   */
  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  /** Leave; the container goes on. Its streams are destroyed. May be called again. */
  async close(): Promise<void> {
    await this.#end(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(why: PodherdError | undefined): Promise<void> {
    this.#ended ??= { why };
    // A reader that does not read would keep the session waiting.
    for (const output of Object.values(this.#outputs)) output.destroy(why);
    await this.#connection.close();
    await this.#closed;
  }

  async #run(id: string): Promise<PodherdError | undefined> {
    let why: PodherdError | undefined;
    try {
      await this.#receive(id);
    } catch (thrown) {
      why = this.#ended === null ? toPodherdError(thrown, 'CONNECTION_CLOSED') : this.#ended.why;
    }
    await this.#connection.close();
    // A write that was under way has failed by now.
    this.stdin.destroy(why);
    for (const output of Object.values(this.#outputs)) {
      if (why === undefined) output.finish();
      else output.destroy(why);
    }
    return why;
  }

  /** Hand the output on until the packet that says "done". */
  async #receive(id: string): Promise<void> {
    for (let packets; (packets = await this.#connection.receive()) !== null;) {
      for (const bytes of packets) {
        const packet = readPacket(bytes);
        if (packet.stream === 'done') return;
        await this.#outputs[packet.stream].give(packet.data);
      }
    }
    throw new PodherdError(
      'CONNECTION_CLOSED',
      `the server ended the session with ${id} before its output: it is gone, or was not waited for any longer`,
    );
  }
}
