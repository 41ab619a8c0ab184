import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

import { fixture } from './paths.js';
import { within } from './until.js';

/** What the fd socket answered. */
export interface FdAnswer {
  requestId: number;
  /** The slots; undefined for a failure. */
  slots?: readonly bigint[];
  /** The text of a failure. */
  error?: string;
}

/** A client of the fd socket, by a program of its own: Node can't pass descriptors. */
export class FdClient {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #lastId = 0;

  /** Connects. */
  static async connect(path: string): Promise<FdClient> {
    const client = new FdClient(path);
    await client.reconnect();
    return client;
  }

  private constructor(path: string) {
    this.#process = spawn(fixture('fd-client'), [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('fd-client has no output');
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Connects anew; what the earlier connection had sent is its end's matter. */
  async reconnect(): Promise<void> {
    await this.#say('connect');
  }

  /** Makes a pipe whose write end goes with the next packet; gives its index. */
  async pipe(): Promise<number> {
    return Number(await this.#say('pipe'));
  }

  /** Opens a file so often; all go with the next packet. */
  async file(path: string, count = 1): Promise<void> {
    await this.#say(`file ${path} ${count}`);
  }

  /** Sends what is to go, properly announced, and gives the slots. */
  async send(count: number): Promise<readonly bigint[]> {
    const { slots, error, requestId } = await this.ask(request(++this.#lastId, count));
    if (slots === undefined) throw new Error(error);
    if (requestId !== this.#lastId || slots.length !== count)
      throw new Error(`request ${this.#lastId} of ${count}: answer ${requestId} of ${slots.length}`);
    return slots;
  }

  /** Sends a packet of these bytes and gives the answer. */
  async ask(packet: Uint8Array): Promise<FdAnswer> {
    const bytes = Buffer.from(await this.#say(`ask ${Buffer.from(packet).toString('hex')}`), 'hex');
    const requestId = bytes.readUInt32LE(4);
    if (bytes.readUInt32LE(0) === 0xffff_ffff)
      return { requestId, error: bytes.subarray(8).toString('utf8') };
    const slots = Array.from({ length: bytes.length / 8 - 1 }, (_, n) => bytes.readBigUInt64LE(8 + n * 8));
    if (slots.length !== bytes.readUInt32LE(0)) throw new Error(`an answer of ${bytes.length} bytes`);
    return { requestId, slots };
  }

  /** Sends a packet that gets no answer. */
  async tell(packet: Uint8Array): Promise<void> {
    await this.#say(`tell ${Buffer.from(packet).toString('hex')}`);
  }

  /** Has the server close what this connection has sent. */
  closeAll(): Promise<void> {
    return this.tell(request(0, 0));
  }

  async disconnect(): Promise<void> {
    await this.#say('disconnect');
  }

  /** What comes through the pipe until nobody holds its write end any more. */
  async rest(pipe: number): Promise<string> {
    return Buffer.from(await this.#say(`rest ${pipe}`), 'hex').toString('utf8');
  }

  /** Ends it, as if it were killed. */
  end(): void {
    this.#process.kill('SIGKILL');
    this.#reader.close();
  }

  /** Gives what follows the first word of the answer. */
  async #say(line: string): Promise<string> {
    this.#process.stdin?.write(`${line}\n`);
    const { value, done } = await within(`fd-client: ${line.slice(0, 60)}`, this.#lines.next());
    if (done === true) throw new Error('fd-client ended');
    const [kind, rest = ''] = value.split(/ (.*)/s);
    if (kind === 'failed') throw new Error(`fd-client: ${rest}`);
    if (kind === 'end') throw new Error('the fd socket was closed');
    return rest;
  }
}

/** The bytes of a request. */
export function request(id: number, count: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(count, 0);
  bytes.writeUInt32LE(id, 4);
  return bytes;
}
