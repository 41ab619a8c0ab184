import { constants } from 'node:os';
import { PodherdError } from '../errors.js';
import type {
  CreateRequest,
  ContainerState,
  ContainerStatusInit,
  ExitStateInit,
  TimestampInit,
} from '../generated/podherd.js';
import { signalNumber } from '../signals.js';
import type { EventStore } from './event-store.js';
import type { FakeExec } from './exec.js';
import { LogFile } from './log-file.js';
import type { FakeProcess } from './process.js';
import { type ContainerScript, endsByItself, errorOf, type FakeEnd } from './script.js';
import { timestampNow } from './wire.js';

/** In the order of a life. */
const ORDER: readonly ContainerState[] = ['creating', 'created', 'running', 'exited'];

/** What a container needs of those around it. */
export interface ContainerPlace {
  readonly events: EventStore;
  readonly script: ContainerScript;
  readonly init: FakeProcess;
}

/** One container: its state, who waits for it, and what happens at its end, in a server's order. */
export class FakeContainer {
  readonly id: string;
  readonly script: ContainerScript;
  readonly init: FakeProcess;
  readonly request: CreateRequest;
  readonly execs = new Map<bigint, FakeExec>();
  readonly #events: EventStore;
  readonly #logs: LogFile[];
  readonly #createdAt: TimestampInit = timestampNow();
  readonly #waiters = new Set<() => void>();
  #state: ContainerState = 'created';
  #startedAt: TimestampInit | undefined;
  #exit: ExitStateInit | undefined;
  /** Bytes of its output. */
  logged = 0;

  constructor(id: string, request: CreateRequest, { events, script, init }: ContainerPlace) {
    this.id = id;
    this.request = request;
    this.script = script;
    this.init = init;
    this.#events = events;
    this.#logs = LogFile.openAll(request.container?.logDrivers ?? []);
    init.listeners.add({
      write: (stream, bytes) => {
        this.logged += bytes.length;
        for (const log of this.#logs) log.write(stream, bytes);
      },
      end: async () => {
        for (const log of this.#logs) log.end();
      },
    });
    const labels = [...request.labels];
    events.emit(id, { which: 'created', created: { pid: init.pid, labels } });
    void init.ended().then((exit) => this.#ended(exit));
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** Whether it has reached a state, or a later one. */
  reached(state: ContainerState): boolean {
    return ORDER.indexOf(this.#state) >= ORDER.indexOf(state);
  }

  /** @throws PodherdError `CONTAINER_NOT_RUNNING` when it has ended */
  checkLiving(): void {
    if (this.init.exit === null) return;
    throw new PodherdError('CONTAINER_NOT_RUNNING', `container ${this.id} has ended`);
  }

  /** Run its command. */
  start(): void {
    if (this.#state !== 'created' || this.init.exit !== null) {
      const why = this.#state === 'running' ? 'is running already' : 'has ended';
      throw new PodherdError('CONTAINER_NOT_CREATED', `container ${this.id} ${why}`);
    }
    if (this.script.failStart !== undefined) throw errorOf(this.script.failStart, `start of ${this.id}`);
    this.#startedAt = timestampNow();
    this.#become('running');
    this.#events.emit(this.id, { which: 'started' });
    this.init.run(this.script, endsByItself(this.script) ? (this.script.afterMs ?? 0) : null);
  }

  /** Send a signal to init, or to all of its processes. */
  signal(signal: number, all: boolean): void {
    this.checkLiving();
    if (all) for (const exec of this.execs.values()) exec.process.signal(signal);
    this.init.signal(signal);
  }

  /** A process of it is killed for memory; not init. */
  oomKill(): void {
    this.#events.emit(this.id, { which: 'oomKilled' });
  }

  /** End it, as a test wants it. */
  end(how: FakeEnd): void {
    this.init.end(how);
  }

  /** Kill all of it. */
  kill(): void {
    if (this.init.exit === null) this.signal(constants.signals.SIGKILL, true);
  }

  /** Resolves when it has reached a state. */
  async until(state: ContainerState, signal?: AbortSignal): Promise<void> {
    while (!this.reached(state) && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiters.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        this.#waiters.add(done);
        signal?.addEventListener('abort', done, { once: true });
      });
    }
  }

  status(): ContainerStatusInit {
    const { container, labels, stopSignal, stopGraceMillis, rateLimit } = this.request;
    return {
      id: this.id,
      state: this.#state,
      pid: this.init.exit === null ? this.init.pid : 0,
      bundlePath: container?.bundlePath,
      terminal: container?.terminal,
      createdAt: this.#createdAt,
      startedAt: this.#startedAt,
      exit: this.#exit,
      logPaths: this.#logs.map(({ path }) => path),
      labels: [...labels],
      stopSignal: stopSignal === 0 ? signalNumber('SIGTERM') : stopSignal,
      stopGraceMillis,
      rateLimit: rateLimit === undefined ? undefined : { ...rateLimit },
      execs: this.execs.size,
    };
  }

  /** Execs end first, then the output, then the end is told. */
  async #ended(exit: ExitStateInit): Promise<void> {
    await Promise.all(
      [...this.execs.values()].map((exec) => {
        exec.process.signal(constants.signals.SIGKILL);
        return exec.published;
      }),
    );
    const { signal = 0, oomKilled = false } = exit;
    if (oomKilled) this.#events.emit(this.id, { which: 'oomKilled' });
    // Logs are complete before the end is told; who is attached takes the rest at their own pace.
    for (const listener of this.init.listeners) void listener.end();
    this.init.listeners.clear();
    this.#exit = { ...exit, signal };
    this.#become('exited');
    this.#events.emit(this.id, { which: 'exited', exited: this.#exit });
  }

  #become(state: ContainerState): void {
    this.#state = state;
    for (const wake of [...this.#waiters]) wake();
  }
}
