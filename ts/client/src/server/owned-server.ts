import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { PodherdError } from '../errors.js';
import type { Logger } from '../logger.js';
import { type Deadline, within } from '../rpc/deadline.js';
import { commonArguments, type StartOptions } from './options.js';
import { StderrTail } from './stderr-tail.js';

/** Milliseconds that a server may take to end after SIGINT; its own limit is 8 seconds. */
const STOP_PATIENCE_MS = 10_000;
/** The same for one that has no containers yet. */
const GIVE_UP_PATIENCE_MS = 2_000;
/** Milliseconds for the kernel to end a process after SIGKILL. */
const KILL_PATIENCE_MS = 2_000;

/** Descriptors of the server's. */
const LEASE_FD = 3;
const READY_FD = 4;

/** How a process ended, in words. */
export type ServerEnd = string;

/**
 * A server that is this process's child. Node reaps it; whoever holds this must `stop` it. Should this
 * process vanish, its end of the lease is closed by the kernel and the server ends by itself.
 */
export class OwnedServer {
  readonly #child: ChildProcess;
  readonly #stderr: StderrTail;
  /** Resolves when the child is reaped. */
  readonly ended: Promise<ServerEnd>;
  #stopping: Promise<void> | null = null;

  /**
   * Start a server and wait until it listens.
   *
   * @throws PodherdError `SERVER_START_FAILED`, `SERVER_RUNNING`; the deadline's error, with the server gone
   */
  static async start(
    binary: string,
    options: StartOptions,
    logger: Logger,
    deadline: Deadline,
  ): Promise<OwnedServer> {
    const server = new OwnedServer(binary, options, logger);
    try {
      await within(server.#ready(), deadline);
      return server;
    } catch (error) {
      await server.stop(GIVE_UP_PATIENCE_MS).catch(() => {});
      throw error;
    }
  }

  private constructor(binary: string, options: StartOptions, logger: Logger) {
    const args = [
      ...commonArguments(options),
      '--skip-fork',
      `--lease-fd=${LEASE_FD}`,
      `--ready-fd=${READY_FD}`,
    ];
    this.#child = spawn(binary, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      // A session of its own: an interrupt from the terminal is for this process, which then disposes.
      detached: true,
      ...(options.serverEnv === undefined ? {} : { env: { ...options.serverEnv } }),
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
      );
      this.#child.once('error', (error) => resolve(error.message));
    });
    this.#stderr = new StderrTail(this.#child.stdio[2] as Readable, (line) =>
      logger.warn({ server: this.pid }, line),
    );
    new StderrTail(this.#child.stdio[1] as Readable, (line) => logger.debug({ server: this.pid }, line));
    this.#lease.on('error', () => {});
    void this.ended.then(() => this.#lease.destroy());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the server said last on its standard error. */
  get lastWords(): string {
    return this.#stderr.text;
  }

  /**
   * End the server and its containers: SIGINT, and SIGKILL when it has not ended in time.
   *
   * @throws PodherdError `SERVER_STOP_FAILED` when it had to be killed: containers may have been left
   */
  stop(patienceMs: number = STOP_PATIENCE_MS): Promise<void> {
    this.#stopping ??= this.#stop(patienceMs);
    return this.#stopping;
  }

  /** How the server ended, or null when it has not within so many milliseconds. */
  endsWithin(limitMs: number): Promise<ServerEnd | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), limitMs)));
    return Promise.race([this.ended, late]).finally(() => clearTimeout(timer));
  }

  async #stop(patienceMs: number): Promise<void> {
    this.#child.kill('SIGINT');
    if ((await this.endsWithin(patienceMs)) !== null) return;
    // Node signals its own child, which it has not reaped: no other process can have the pid.
    this.#child.kill('SIGKILL');
    const killed = (await this.endsWithin(KILL_PATIENCE_MS)) !== null;
    throw new PodherdError(
      'SERVER_STOP_FAILED',
      `the server (pid ${this.pid}) did not end within ${patienceMs} ms of SIGINT` +
        `${killed ? ' and was killed' : ', nor of SIGKILL'}; look for containers that it has left`,
    );
  }

  async #ready(): Promise<void> {
    const stream = this.#child.stdio[READY_FD] as Duplex;
    stream.on('error', () => {});
    const line = new Promise<boolean>((resolve) => {
      stream.once('data', () => resolve(true));
      stream.once('close', () => resolve(false));
      stream.once('end', () => resolve(false));
    });
    const listening = await line;
    stream.destroy();
    if (listening) return;
    throw await this.#stderr.startError(await this.ended);
  }

  get #lease(): Duplex {
    return this.#child.stdio[LEASE_FD] as Duplex;
  }
}
