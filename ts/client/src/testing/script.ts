import type { ServerErrorCode } from '../error-codes.js';
import { PodherdError } from '../errors.js';
import type { ExitStateInit } from '../generated/podherd.js';
import type { Finding } from '../findings.js';
import { signalNumber } from '../signals.js';
import { timestampNow } from './wire.js';

/** How a call fails: a code, or a code with the server's words. */
export type FakeFailure = ServerErrorCode | { code: ServerErrorCode; message: string };

/** How a process ends. Exit code 0, if nothing is said. */
export interface FakeEnd {
  /** Default 0; 137 in exit files is signal 9 here: say `signal`. */
  exitCode?: number | undefined;
  /** The signal that ends it, in place of an exit code. */
  signal?: NodeJS.Signals | number | undefined;
  /** The kernel kills it for memory: by SIGKILL, unless it is said otherwise. */
  oomKilled?: boolean | undefined;
  /** Nobody can know how it ended: it happened while no server watched. */
  unknown?: boolean | undefined;
  /** Whether its output is in the log as a whole. Default true. */
  logComplete?: boolean | undefined;
}

/** What a command of `exec` or `spawn` does. It ends at once with exit code 0, if nothing is said. */
export interface CommandScript extends FakeEnd {
  /** It can't be started. */
  fail?: FakeFailure | undefined;
  /** What it writes at its start. */
  stdout?: string | Uint8Array | undefined;
  /** What it writes at its start. */
  stderr?: string | Uint8Array | undefined;
  /** Milliseconds that it runs; `Infinity`: until a signal, or its container, ends it. Default 0. */
  afterMs?: number | undefined;
  /** It writes what comes as its input to its output, and ends when that ends: `cat`. */
  echo?: boolean | undefined;
}

/** What a container does. It runs until a signal or the test ends it, if no end is said. */
export interface ContainerScript extends FakeEnd {
  /** Its create fails. */
  failCreate?: FakeFailure | undefined;
  /** Milliseconds that its create takes. Default 0. */
  createMs?: number | undefined;
  /** Its start fails. */
  failStart?: FakeFailure | undefined;
  /** What it writes at its start. */
  stdout?: string | Uint8Array | undefined;
  /** What it writes at its start. */
  stderr?: string | Uint8Array | undefined;
  /** It ends so many milliseconds after its start. Default 0 where an end is said. */
  afterMs?: number | undefined;
  /** Whatever comes as its input is written to its output: `cat`. It ends when the input ends. */
  echo?: boolean | undefined;
  /** Signals that do not end it, SIGKILL never being one; `true`: all others. */
  ignores?: true | readonly (NodeJS.Signals | number)[] | undefined;
  /** How it ends when it gets one of these signals, in place of being ended by it. */
  onSignal?: Readonly<Partial<Record<NodeJS.Signals, FakeEnd>>> | undefined;
  /** What commands in it do. */
  exec?: CommandScript | ((command: readonly string[]) => CommandScript | undefined) | undefined;
  /** What `validateBundle` and the preflight find. */
  findings?: readonly Finding[] | undefined;
}

/** What is known of a container when its script is chosen. */
export interface FakeRequest {
  /** As it was asked for. */
  readonly id: string;
  /** Absolute path; nothing of it is read. */
  readonly bundle: string;
  /** As they were asked for. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a script has an end of its own. */
export function endsByItself(script: ContainerScript): boolean {
  const { exitCode, signal, oomKilled, unknown, afterMs } = script;
  return [exitCode, signal, oomKilled, unknown, afterMs].some((value) => value !== undefined);
}

/** An end as the wire has it, now. */
export function exitOf(end: FakeEnd): ExitStateInit {
  const { oomKilled = false, unknown = false, logComplete = true } = end;
  const bySignal = end.signal ?? (oomKilled && end.exitCode === undefined ? 'SIGKILL' : undefined);
  const signal = bySignal === undefined || unknown ? 0 : signalNumber(bySignal);
  return {
    knowledge: unknown ? 'endedUnwatched' : 'known',
    exitCode: unknown || signal !== 0 ? -1 : (end.exitCode ?? 0),
    signal,
    oomKilled,
    logComplete: logComplete && !unknown,
    journaled: true,
    exitedAt: timestampNow(),
  };
}

/** The error of a scripted failure. */
export function errorOf(failure: FakeFailure, what: string): PodherdError {
  if (typeof failure !== 'string') return new PodherdError(failure.code, failure.message);
  return new PodherdError(failure, `${what} fails, as the test wants it`);
}
