import type { Writable } from 'node:stream';
import { PodherdError } from '../errors.js';
import type { PodherdClient } from '../generated/podherd.js';
import { callerOptions } from '../rpc/caller.js';
import { Hold } from '../spawn/hold.js';
import { Input } from '../streams/input.js';
import { NoInput } from '../streams/no-input.js';
import { Output } from '../streams/output.js';
import { outputSink } from '../streams/output-sink.js';
import type { AttachOptions } from './attach.js';
import type { AttachSession } from './session.js';

/** Milliseconds until attaching fails, if nothing else is asked for. */
const ATTACH_TIMEOUT_MS = 30_000;

/** Attach over the connection itself. See `Container.attach`. */
export async function attachOverRpc(
  client: PodherdClient,
  id: string,
  options: AttachOptions,
): Promise<AttachSession> {
  const stdout = new Output();
  const stderr = new Output();
  const { session, stdin } = await client.attach(
    {
      request: { id, execSessionId: options.execSessionId, stdin: true },
      stdout: outputSink(stdout),
      stderr: outputSink(stderr),
    },
    callerOptions(`attach to ${id}`, { ...options, timeoutMs: options.timeoutMs ?? ATTACH_TIMEOUT_MS }),
  );
  if (session === undefined)
    throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a session');
  const input =
    stdin === undefined
      ? new NoInput(id)
      : new Input(stdin, options.stopAfterStdinEof === true ? 'end' : 'leave');
  return new RpcAttachSession(input, stdout, stderr, new Hold(session, `attach to ${id}`, options.signal));
}

class RpcAttachSession implements AttachSession {
  readonly stdin: Writable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #hold: Hold;
  readonly #closed: Promise<PodherdError | undefined>;

  constructor(stdin: Writable, stdout: Output, stderr: Output, hold: Hold) {
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#hold = hold;
    this.#closed = this.#run();
  }

  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#hold.resize(columns, rows, {});
  }

  async close(): Promise<void> {
    // A reader that does not read would keep the session waiting.
    for (const output of [this.stdout, this.stderr]) output.destroy();
    this.#hold.letGo();
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<PodherdError | undefined> {
    const end = await this.#hold.ended();
    const why = 'exit' in end ? undefined : end.error;
    this.stdin.destroy(why);
    for (const output of [this.stdout, this.stderr]) {
      if (why === undefined) output.finish();
      else output.destroy(why);
    }
    return why;
  }
}
