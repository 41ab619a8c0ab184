import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { DetachKeys } from './detach-keys.js';
import { enterRaw } from './raw.js';

/** The streams of a process in a container. */
export interface FarStreams {
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

export interface JoinOptions {
  /** The process has a terminal: keys are passed on raw, and it is told of the size. */
  readonly terminal: boolean;
  readonly detachKeys: Uint8Array;
  /** Tells the process the size of the terminal. */
  readonly resize?: (columns: number, rows: number) => Promise<void>;
  /** Ends the session. */
  readonly signal: AbortSignal;
}

/** Why a session is over: all output has come, or the detach keys were typed. */
export type SessionOutcome = 'ended' | 'detached';

/**
 * Join podctl's own input and output with a process's, until its output ends. The terminal is given back on
 * every way out.
 *
 * @throws the signal's reason; what ended the streams
 */
export async function join(far: FarStreams, options: JoinOptions): Promise<SessionOutcome> {
  const { terminal, signal } = options;
  const own = process.stdin;
  const raw = terminal && far.stdin !== null && own.isTTY;
  const leave = raw ? enterRaw(own) : () => {};
  const stopResizing = terminal ? followSize(options) : () => {};
  const over = new AbortController();
  try {
    const ways: Promise<SessionOutcome>[] = [
      Promise.all([copy(far.stdout, process.stdout), copy(far.stderr, process.stderr)]).then(
        () => 'ended' as const,
      ),
      aborted(signal, over.signal),
    ];
    if (far.stdin !== null)
      ways.push(feed(own, far.stdin, raw ? options.detachKeys : new Uint8Array(), over.signal));
    return await Promise.race(ways);
  } finally {
    over.abort();
    own.pause();
    stopResizing();
    leave();
  }
}

/** Copy a process's output to podctl's own, which stays open. */
async function copy(from: Readable, to: Writable): Promise<void> {
  await pipeline(from, to, { end: false });
}

/** Never resolves: rejects when the command has to end. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    over.addEventListener('abort', () => signal.removeEventListener('abort', fail), { once: true });
  });
}

/** Pass podctl's input on. Resolves only when the detach keys were typed: its end is not the session's. */
async function feed(own: Readable, to: Writable, keys: Uint8Array, over: AbortSignal): Promise<'detached'> {
  const detachKeys = new DetachKeys(keys);
  // The process may end or close its input at any time: what is typed then goes nowhere.
  to.on('error', () => {});
  const detached = await new Promise<boolean>((resolve) => {
    const onData = (bytes: Buffer): void => {
      const { input, detach } = detachKeys.take(bytes);
      if (input.length > 0 && to.writable && !to.write(input)) {
        own.pause();
        void Promise.race([once(to, 'drain'), finished(to)])
          .catch(() => {})
          .then(() => (over.aborted ? null : own.resume()));
      }
      if (detach) resolve(true);
    };
    own.on('data', onData);
    own.once('end', () => to.end());
    // EIO: the terminal has gone, which is an end too.
    own.once('error', () => to.end());
    over.addEventListener('abort', () => {
      own.off('data', onData);
      resolve(false);
    });
  });
  return detached ? 'detached' : new Promise<never>(() => {});
}

/** Keep the process told of the terminal's size. */
function followSize({ resize }: JoinOptions): () => void {
  const screen = process.stdout;
  if (resize === undefined || screen.isTTY !== true) return () => {};
  const tell = (): void => {
    // One that has ended has no size any more.
    resize(screen.columns, screen.rows).catch(() => {});
  };
  tell();
  screen.on('resize', tell);
  return () => screen.off('resize', tell);
}
