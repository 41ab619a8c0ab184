import { PodherdError } from '../errors.js';
import { type ByteSinkClient, type SessionHandlers, serveSession } from '../generated/podherd.js';
import type { LocalCapability } from '../capnp/index.js';
import type { Clock } from './clock.js';
import { onRelease } from './local-caller.js';
import type { FakeProcess, OutputListener } from './process.js';
import { SinkWriter } from './streams.js';

/** Where a session's output goes. */
export interface Sinks {
  readonly stdout: ByteSinkClient | undefined;
  readonly stderr: ByteSinkClient | undefined;
}

/** Hands a process's output to a caller's sinks. With a terminal, all of it is `stdout`. */
export class SinkListener implements OutputListener {
  readonly #stdout: SinkWriter;
  readonly #stderr: SinkWriter;
  readonly #taken: Promise<void>;
  #settle: () => void = () => {};

  constructor({ stdout, stderr }: Sinks) {
    this.#stdout = new SinkWriter(stdout);
    this.#stderr = new SinkWriter(stderr);
    this.#taken = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Resolves when all output was taken, after the end of it. */
  get taken(): Promise<void> {
    return this.#taken;
  }

  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    (stream === 'stdout' ? this.#stdout : this.#stderr).write(bytes);
  }

  async end(): Promise<void> {
    await Promise.all([this.#stdout.end(), this.#stderr.end()]);
    this.#settle();
  }
}

/** What a session is about. */
export interface SessionPlace {
  readonly process: FakeProcess;
  readonly listener: SinkListener;
  readonly terminal: boolean;
  readonly clock: Clock;
  /** The caller has let go of it. */
  readonly released: () => void;
}

/** A caller's hold on a process, as the wire has it. */
export function serveFakeSession(place: SessionPlace): LocalCapability<SessionHandlers> {
  const { process, listener, terminal, clock } = place;
  const session = serveSession({
    resize: () => {
      if (!terminal) throw new PodherdError('NO_TERMINAL', 'it has no terminal');
    },
    signal: ({ signal }) => {
      if (process.exit !== null) throw new PodherdError('CONTAINER_NOT_RUNNING', 'it has ended');
      process.signal(signal);
    },
    wait: async ({ timeoutMillis }) => {
      const exit = await beforeTime(
        clock,
        Number(timeoutMillis),
        listener.taken.then(() => process.ended()),
      );
      return exit === null ? { end: 'running' } : { end: 'exited', exit };
    },
  });
  onRelease(session, place.released);
  return session;
}

/** What a promise gives, or null when the time is over before. */
export function beforeTime<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(null));
    promise.then(resolve, reject).finally(cancel);
  });
}
