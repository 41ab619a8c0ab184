import {
  type ByteSinkClient,
  type ExecRequestInit,
  type ExitState,
  type SessionClient,
  serveByteSink,
} from '../../ts/client/src/generated/podherd.js';
import { answered, type Connection } from './connection.js';
import { HANG_MS, until, within } from './until.js';

/** A sink of the test's: it keeps what it is given, and answers when the test lets it. */
export class TestSink {
  readonly capability = serveByteSink({
    write: ({ data }) => this.#write(data),
    end: () => this.#end(),
  });
  /** Calls that are not answered yet. */
  open = 0;
  /** The most that were open at once, in bytes. */
  mostOpenBytes = 0;
  ends = 0;
  readonly #pieces: Buffer[] = [];
  #openBytes = 0;
  #held: Promise<void> | undefined;
  #letGo: () => void = () => undefined;
  #failure: Error | undefined;

  /** Answers nothing from now on. */
  hold(): this {
    this.#held ??= new Promise((resolve) => (this.#letGo = resolve));
    return this;
  }

  /** Answers what is open, and all that comes. */
  release(): void {
    this.#letGo();
    this.#held = undefined;
  }

  /** Answers with an error from now on. */
  fail(message: string): this {
    this.#failure = new Error(message);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** Waits until this text has come. */
  async has(words: string): Promise<void> {
    await until(`the sink has ${JSON.stringify(words)}, not ${JSON.stringify(this.text.slice(-200))}`, () =>
      this.text.includes(words) ? true : undefined,
    );
  }

  async #write(data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.ends > 0) throw new Error('a write after the end');
    this.#pieces.push(Buffer.from(data));
    this.open++;
    this.#openBytes += data.length;
    this.mostOpenBytes = Math.max(this.mostOpenBytes, this.#openBytes);
    await this.#held;
    this.open--;
    this.#openBytes -= data.length;
  }

  async #end(): Promise<void> {
    if (this.open > 0) throw new Error('an end before the last write was answered');
    this.ends++;
    await this.#held;
  }
}

/** A session with its streams. */
export class TestSession {
  readonly stdout: TestSink;
  readonly stderr: TestSink;
  readonly session: SessionClient;
  readonly stdin: ByteSinkClient | undefined;
  readonly execId: bigint;
  readonly pid: number;

  constructor(parts: {
    stdout: TestSink;
    stderr: TestSink;
    session: SessionClient;
    stdin: ByteSinkClient | undefined;
    execId: bigint;
    pid: number;
  }) {
    this.stdout = parts.stdout;
    this.stderr = parts.stderr;
    this.session = parts.session;
    this.stdin = parts.stdin;
    this.execId = parts.execId;
    this.pid = parts.pid;
  }

  async write(data: string | Uint8Array): Promise<void> {
    await this.input.write({ data: Buffer.from(data) });
  }

  get input(): ByteSinkClient {
    if (this.stdin === undefined) throw new Error('the session has no input');
    return this.stdin;
  }

  /** Waits for its end. */
  async end(timeoutMillis = HANG_MS): Promise<{ end: string; exit: ExitState | undefined }> {
    return within('the end of a session', this.session.wait({ timeoutMillis }), timeoutMillis + HANG_MS);
  }

  /** Waits until it has ended by itself, and gives its exit code; minus the signal when that ended it. */
  async exitCode(): Promise<number> {
    const { end, exit } = await this.end();
    if (end !== 'exited') throw new Error(`the session is ${end}`);
    const { exitCode, signal, knowledge } = answered(exit);
    if (knowledge !== 'known') throw new Error(`its end is ${knowledge}`);
    return signal === 0 ? exitCode : -signal;
  }

  release(): void {
    this.stdin?.[Symbol.dispose]();
    this.session[Symbol.dispose]();
  }
}

export interface SessionOptions extends Omit<ExecRequestInit, 'id' | 'command'> {
  stdout?: TestSink;
  stderr?: TestSink;
}

/** Runs a command with its streams here. */
export async function startExec(
  connection: Connection,
  id: string,
  command: readonly string[],
  { stdout = new TestSink(), stderr = new TestSink(), ...request }: SessionOptions = {},
): Promise<TestSession> {
  const started = await connection.podherd.exec({
    request: { id, command, cgroupManager: 'cgroupfs', ...request },
    stdout: stdout.capability,
    stderr: stderr.capability,
  });
  const { session, stdin, execId, pid } = started;
  return new TestSession({ stdout, stderr, session: answered(session), stdin, execId, pid });
}

/** Takes part in the streams of a container, or of an exec. */
export async function startAttach(
  connection: Connection,
  id: string,
  options: { execSessionId?: string; stdin?: boolean; stdout?: TestSink; stderr?: TestSink } = {},
): Promise<TestSession> {
  const { stdout = new TestSink(), stderr = new TestSink(), ...request } = options;
  const { session, stdin } = await connection.podherd.attach({
    request: { id, ...request },
    stdout: stdout.capability,
    stderr: stderr.capability,
  });
  return new TestSession({ stdout, stderr, session: answered(session), stdin, execId: 0n, pid: 0 });
}
