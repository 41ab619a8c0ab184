import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { fixture } from './paths.js';
import { within } from './until.js';

export interface AttachClientOptions {
  /** Sleeps so long after each packet. */
  slowMicros?: number;
  /** Ends with its input, without taking the output. */
  leave?: boolean;
  /** A file that is its input; otherwise `write` and `endInput` are. */
  inputFile?: string;
  /** A file that gets what comes on stdout; otherwise it is kept. */
  outputFile?: string;
}

/** How a client ended: 0 after the done packet, 3 without it; see test/fixtures. */
export interface AttachEnd {
  code: number | null;
  stdout: Buffer;
  stderr: Buffer;
}

/** A client of an attach socket, in a process of its own: Node has no SEQPACKET. */
export class AttachClient {
  readonly #child: ChildProcess;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #end: Promise<number | null>;

  /** Connects. Rejects when nobody listens. */
  static async connect(socketPath: string, options: AttachClientOptions = {}): Promise<AttachClient> {
    const client = new AttachClient(socketPath, options);
    await within('the attach client connects', client.#attached());
    return client;
  }

  private constructor(socketPath: string, options: AttachClientOptions) {
    const flags = [
      ...(options.slowMicros === undefined ? [] : [`slow=${options.slowMicros}`]),
      ...(options.leave === true ? ['leave'] : []),
    ];
    const input = options.inputFile === undefined ? 'pipe' : openSync(options.inputFile, 'r');
    const output = options.outputFile === undefined ? 'pipe' : openSync(options.outputFile, 'w', 0o600);
    this.#child = spawn(fixture('attach-client'), [socketPath, ...flags], {
      stdio: [input, output, 'pipe', 'pipe'],
    });
    for (const file of [input, output]) if (typeof file === 'number') closeSync(file);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    this.#end = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  /** Pid of the client. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the attach client could not be started');
    return this.#child.pid;
  }

  /** What came on stdout so far. */
  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  /** Writes to the container's input. */
  write(data: string | Uint8Array): void {
    this.#child.stdin?.write(data);
  }

  /** Half-closes the connection. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Its end, and all that came. */
  async end(limitMs?: number): Promise<AttachEnd> {
    const code = await within('the end of the attach client', this.#end, limitMs);
    return { code, stdout: this.stdout, stderr: Buffer.concat(this.#stderr) };
  }

  /** Disconnects as a client does that is killed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#end;
  }

  async #attached(): Promise<void> {
    const ready = this.#child.stdio[3] as NodeJS.ReadableStream;
    for await (const _ of ready) return;
    const { code, stderr } = await this.end();
    throw new Error(`the attach client could not connect (exit ${code}): ${stderr.toString()}`);
  }
}
