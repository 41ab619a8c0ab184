import { PodherdError } from '../errors.js';
import type { ExecSyncContainerRequest } from '../generated/conmon.js';
import type { ExecRequest } from '../generated/podherd.js';
import type { Clock } from './clock.js';
import type { Containers } from './containers.js';
import type { FakeContainer } from './container.js';
import type { EventStore } from './event-store.js';
import { FakeExec } from './exec.js';
import { type CommandScript, errorOf } from './script.js';
import { serveFakeSession, type Sinks, SinkListener } from './sessions.js';
import { inputSink } from './streams.js';

/** What the wire says of a command that could not be started. */
const NOT_STARTED = -2;
const SIGNAL_BASE = 128;

/** Commands that run in containers: `exec` waits for one, `spawn` hands out its streams. */
export class Commands {
  readonly #containers: Containers;
  readonly #events: EventStore;
  readonly #clock: Clock;
  #ids = 0n;

  constructor(containers: Containers, events: EventStore, clock: Clock) {
    this.#containers = containers;
    this.#events = events;
    this.#clock = clock;
  }

  /** Run a command to its end. */
  async run(container: FakeContainer, request: ExecSyncContainerRequest, givenUp: AbortSignal) {
    const { command, timeoutSec, terminal } = request;
    const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    const listener = {
      write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) =>
        void output[terminal ? 'stdout' : stream].push(bytes),
      end: async () => {},
    };
    let begun;
    try {
      begun = this.#begin(container, command, '', listener);
    } catch (thrown) {
      if (!(thrown instanceof PodherdError) || thrown.code === 'CONTAINER_NOT_RUNNING') throw thrown;
      // As on the wire: clients of conmon-rs close their connection on any exception.
      return { exitCode: NOT_STARTED, stderr: Buffer.from(`${thrown.code}: ${thrown.message}`) };
    }
    const { exec, script } = begun;
    let timedOut = false;
    const stopClock = this.#clock.after(timeoutSec === 0n ? Infinity : Number(timeoutSec) * 1_000, () => {
      timedOut = true;
      exec.kill();
    });
    const kill = (): void => exec.kill();
    givenUp.addEventListener('abort', kill, { once: true });
    // It has no input.
    exec.run(script);
    if (script.echo === true) exec.process.inputEnd();
    const { exitCode = 0, signal = 0 } = await exec.process.ended();
    stopClock();
    givenUp.removeEventListener('abort', kill);
    await exec.published;
    return {
      exitCode: signal === 0 ? exitCode : SIGNAL_BASE + signal,
      stdout: Buffer.concat(output.stdout),
      stderr: Buffer.concat(output.stderr),
      timedOut,
    };
  }

  /** Run a command with streams. */
  spawn(container: FakeContainer, request: ExecRequest, sinks: Sinks) {
    const { command, sessionId, timeoutMillis, terminal } = request;
    const listener = new SinkListener(sinks);
    const { exec, script } = this.#begin(container, command, sessionId, {
      write: (stream, bytes) => listener.write(terminal ? 'stdout' : stream, bytes),
      end: () => listener.end(),
    });
    const stopClock = this.#clock.after(timeoutMillis === 0n ? Infinity : Number(timeoutMillis), () =>
      exec.kill(),
    );
    void exec.published.then(stopClock);
    const session = serveFakeSession({
      process: exec.process,
      listener,
      terminal,
      clock: this.#clock,
      released: () => exec.kill(),
    });
    const input = inputSink(
      (bytes) => exec.process.input(bytes),
      () => exec.process.inputEnd(),
    );
    // It writes when its caller has the answer.
    this.#clock.after(0, () => {
      exec.run(script);
      if (!request.stdin && script.echo === true) exec.process.inputEnd();
    });
    return { session, stdin: request.stdin ? input : undefined, execId: exec.id, pid: exec.process.pid };
  }

  #begin(
    container: FakeContainer,
    command: readonly string[],
    sessionId: string,
    listener: ConstructorParameters<typeof FakeExec>[3],
  ): { exec: FakeExec; script: CommandScript } {
    container.checkLiving();
    if (command.length === 0) throw new PodherdError('INVALID_ARGUMENT', 'the command is empty');
    const { exec: wanted = {} } = container.script;
    const script = (typeof wanted === 'function' ? wanted(command) : wanted) ?? {};
    const id = ++this.#ids;
    if (script.fail !== undefined) {
      const error = errorOf(script.fail, command.join(' '));
      const failure = `${error.code}: ${error.message}`;
      this.#events.emit(container.id, { which: 'execExited', execExited: { execId: id, failure } });
      throw error;
    }
    const place = { id, containerId: container.id, command, sessionId };
    const exec = new FakeExec(place, this.#containers.process(), this.#events, listener);
    container.execs.set(id, exec);
    void exec.published.then(() => container.execs.delete(id));
    return { exec, script };
  }
}
