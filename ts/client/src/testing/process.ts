import { constants } from 'node:os';
import type { ExitStateInit } from '../generated/podherd.js';
import type { Clock } from './clock.js';
import { bytesOf } from './wire.js';
import { type CommandScript, exitOf, type FakeEnd } from './script.js';

/** Who is told what a process writes. */
export interface OutputListener {
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): void;
  /** No more comes. Resolves when all was taken. */
  end(): Promise<void>;
}

/** Signals that end nobody unless they are asked for (signal(7)). */
const HARMLESS: ReadonlySet<number> = new Set(
  (['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const).map(
    (name) => constants.signals[name],
  ),
);

/** What stands for a process: it writes, takes input, gets signals, and ends once. */
export class FakeProcess {
  readonly pid: number;
  readonly signals: number[] = [];
  readonly listeners = new Set<OutputListener>();
  readonly #clock: Clock;
  readonly #answer: (signal: number) => FakeEnd | null;
  readonly #whenEnded: Promise<ExitStateInit>;
  #settle: (exit: ExitStateInit) => void = () => {};
  #exit: ExitStateInit | null = null;
  #cancelEnd: () => void = () => {};
  #echo = false;
  /** Input that came before it ran, as a pipe keeps it; null once it runs. */
  #early: (() => void)[] | null = [];
  #echoEnd: FakeEnd = {};

  /** @param answer how it ends by a signal, or null if it doesn't; never asked about SIGKILL */
  constructor(pid: number, clock: Clock, answer: (signal: number) => FakeEnd | null = endedBy) {
    this.pid = pid;
    this.#clock = clock;
    this.#answer = answer;
    this.#whenEnded = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Its end; null while it lives. */
  get exit(): ExitStateInit | null {
    return this.#exit;
  }

  /** Resolves with its end. */
  ended(): Promise<ExitStateInit> {
    return this.#whenEnded;
  }

  /** Do what a script says. `afterMs` null: it has no end of its own. */
  run(script: Pick<CommandScript, 'stdout' | 'stderr' | 'echo'> & FakeEnd, afterMs: number | null): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const data = script[stream];
      if (data !== undefined) this.write(stream, bytesOf(data));
    }
    this.#echo = script.echo === true;
    this.#echoEnd = script;
    const early = this.#early ?? [];
    this.#early = null;
    for (const arrive of early) arrive();
    if (afterMs !== null) this.#cancelEnd = this.#clock.after(afterMs, () => this.end(script));
  }

  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    if (this.#exit !== null) return;
    for (const listener of this.listeners) listener.write(stream, bytes);
  }

  /** Take input. */
  input(bytes: Uint8Array): void {
    if (this.#early !== null) this.#early.push(() => this.input(bytes));
    else if (this.#echo) this.write('stdout', bytes);
  }

  /** The input has ended. */
  inputEnd(): void {
    if (this.#early !== null) this.#early.push(() => this.inputEnd());
    else if (this.#echo) this.end(this.#echoEnd);
  }

  /** Get a signal. */
  signal(signal: number): void {
    this.signals.push(signal);
    if (this.#exit !== null || HARMLESS.has(signal)) return;
    const end = signal === constants.signals.SIGKILL ? endedBy(signal) : this.#answer(signal);
    if (end !== null) this.end(end);
  }

  /** End. Only the first call counts. */
  end(how: FakeEnd): void {
    if (this.#exit !== null) return;
    this.#cancelEnd();
    this.#exit = exitOf(how);
    this.#settle(this.#exit);
  }
}

function endedBy(signal: number): FakeEnd {
  return { signal };
}
