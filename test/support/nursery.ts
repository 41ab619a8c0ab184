import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { fixture } from './paths.js';

/** The end of a process under a nursery. */
export interface Ended {
  pid: number;
  /** Started by the nursery itself, or adopted because its parent had ended. */
  adopted: boolean;
  name: string;
  exitCode: number | null;
  signal: number | null;
}

/**
 * A subreaper around one command: it sees each process that comes of the command end, whoever its parent was, and
 * is gone itself when none is left. When the test process dies, it kills them all.
 */
export class Nursery {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #ended: Ended[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #empty: Promise<boolean>;

  /** `log`: descriptor that gets the command's standard output and error. */
  constructor(command: readonly string[], log: number, env: NodeJS.ProcessEnv = process.env) {
    this.#process = spawn(fixture('nursery'), command, { stdio: ['pipe', log, log, 'pipe'], env });
    if (this.#process.pid === undefined) throw new Error('the nursery could not be started');
    this.pid = this.#process.pid;
    const report = createInterface({ input: this.#process.stdio[3] as Readable });
    report.on('line', (line) => this.#note(line));
    this.#empty = new Promise((resolve) => {
      this.#process.on('close', (code) => {
        resolve(code === 0);
        this.#wake();
      });
    });
  }

  /** The ends seen so far. */
  get ended(): readonly Ended[] {
    return this.#ended;
  }

  /** Resolves when no process is left: true if they ended without being killed by `clear`. */
  get empty(): Promise<boolean> {
    return this.#empty;
  }

  /** The end of the first process that fits. Rejects when all have ended without one. */
  async end(fits: (ended: Ended) => boolean): Promise<Ended> {
    for (;;) {
      const found = this.#ended.find(fits);
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null)
        throw new Error('all processes have ended, the wanted one not among them');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Kills what is left, and resolves when it has ended. */
  async clear(): Promise<void> {
    this.#process.stdin?.end();
    await this.#empty;
  }

  #note(line: string): void {
    const [, pid = '', kind, name = '', how, status] = line.split(' ');
    const value = Number(status);
    this.#ended.push({
      pid: Number(pid),
      adopted: kind === 'adopted',
      name,
      exitCode: how === 'exit' ? value : null,
      signal: how === 'signal' ? value : null,
    });
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
