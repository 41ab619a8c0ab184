import type { Readable, Writable } from 'node:stream';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { PacketConnection } from '../packets/addon.js';
import { onAbort } from '../rpc/abort-signal.js';
import { Output } from '../streams/output.js';
import { PacketInput } from './packet-input.js';
import { readPacket } from './packets.js';
import type { AttachSession } from './session.js';

/** A session over the attach socket, whose connection is its own. */
export class PacketAttachSession implements AttachSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly resize: AttachSession['resize'];
  readonly #connection: PacketConnection;
  readonly #outputs: { readonly stdout: Output; readonly stderr: Output };
  readonly #closed: Promise<PodherdError | undefined>;
  /** Why it was ended from this side; undefined in it: by `close`. */
  #ended: { readonly why: PodherdError | undefined } | null = null;

  constructor(
    connection: PacketConnection,
    id: string,
    signal: AbortSignal | undefined,
    resize: AttachSession['resize'],
  ) {
    this.resize = resize;
    this.#connection = connection;
    this.#outputs = { stdout: new Output(), stderr: new Output() };
    this.stdin = new PacketInput(connection);
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

  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

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
