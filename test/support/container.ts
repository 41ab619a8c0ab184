import { readFileSync } from 'node:fs';

import { answered, type Connection } from './connection.js';
import type { ExitFiles } from './exit-files.js';
import { fixture } from './paths.js';
import { run, type Run } from './run.js';
import type { Runtime } from './runtimes.js';

/** What execSyncContainer answered. */
export interface ExecResult {
  exitCode: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
  timedOut: boolean;
}

export interface ExecOptions {
  terminal?: boolean;
  timeoutSec?: bigint;
  connection?: Connection;
}

export interface AttachOptions {
  execSessionId?: string;
  stopAfterStdinEof?: boolean;
}

/** What a container of a test is made of. */
export interface ContainerParts {
  id: string;
  pid: number;
  bundle: string;
  logPath: string;
  runtime: Runtime;
  runtimeRoot: string;
  connection: Connection;
  exitFiles: ExitFiles;
}

/** A container that the server has created. The test does the rest as CRI-O does: with the runtime itself. */
export class TestContainer {
  readonly id: string;
  readonly pid: number;
  readonly logPath: string;
  readonly bundle: string;
  readonly #parts: ContainerParts;
  #deleted = false;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.pid = parts.pid;
    this.bundle = parts.bundle;
    this.logPath = parts.logPath;
  }

  async start(): Promise<void> {
    const started = await this.runtime('start', this.id);
    if (started.code !== 0) throw new Error(`start of ${this.id}: ${started.stderr}`);
  }

  /** Signals init through the runtime, by the signal's name. */
  async kill(signal = 'KILL'): Promise<void> {
    await this.runtime('kill', this.id, signal);
  }

  /** The exit code, once the server has published it. */
  exit(limitMs?: number): Promise<number> {
    return this.#parts.exitFiles.code(this.id, limitMs);
  }

  /** Deletes it from the runtime, alive or not. */
  async delete(): Promise<void> {
    if (this.#deleted) return;
    this.#deleted = true;
    const deleted = await this.runtime('delete', '--force', this.id);
    if (deleted.code !== 0) throw new Error(`delete of ${this.id}: ${deleted.stderr}`);
  }

  /** Has our server forget it, once it has ended. */
  async forget(): Promise<void> {
    await this.#parts.connection.podherd.delete({ id: this.id });
  }

  /** Runs the runtime with the container's root. */
  runtime(...args: string[]): Promise<Run> {
    return run(this.#parts.runtime.path, ['--root', this.#parts.runtimeRoot, ...args]);
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { conmon } = options.connection ?? this.#parts.connection;
    const { response } = await conmon.execSyncContainer({
      request: {
        id: this.id,
        command: [...command],
        terminal: options.terminal ?? false,
        timeoutSec: options.timeoutSec ?? 0n,
        cgroupManager: 'cgroupfs',
      },
    });
    return answered(response);
  }

  /** Has the server listen for attach clients at this path. */
  async listen(socketPath: string, options: AttachOptions = {}): Promise<void> {
    await this.#parts.connection.conmon.attachContainer({
      request: {
        id: this.id,
        socketPath,
        execSessionId: options.execSessionId ?? '',
        stopAfterStdinEof: options.stopAfterStdinEof ?? false,
      },
    });
  }

  /** The lines of its CRI log: stream, tag and text. */
  logRecords(): { stream: string; tag: string; text: string }[] {
    const lines = readFileSync(this.logPath, 'utf8').split('\n');
    if (lines.pop() !== '') throw new Error(`${this.logPath} ends within a record`);
    return lines.map((line) => {
      const [, stream = '', tag = '', text = ''] = /^\S+ (stdout|stderr) ([FP]) (.*)$/s.exec(line) ?? [];
      if (stream === '') throw new Error(`${this.logPath} has a line of another form: ${line}`);
      return { stream, tag, text };
    });
  }

  /** Compares its CRI log with what must be in it, byte for byte; undefined when they are the same. */
  async logDifference(expectedFile: string, stream = 'stdout'): Promise<string | undefined> {
    const compared = await run(fixture('cri-log'), [this.logPath, stream, expectedFile]);
    return compared.code === 0 ? undefined : compared.stdout + compared.stderr;
  }
}

/** Text of bytes. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
