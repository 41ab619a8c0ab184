import { PodherdError } from '../errors.js';
import type { CallContext } from '../capnp/index.js';
import {
  servePodherd,
  type ContainerState,
  type PodherdHandlers,
  type ServerInfo,
} from '../generated/podherd.js';
import { SCHEMA_VERSION } from '../link/versions.js';
import { Clock } from './clock.js';
import { Commands } from './commands.js';
import { Containers } from './containers.js';
import type { FakeContainer } from './container.js';
import { EventStore } from './event-store.js';
import type { LocalContext } from './local-caller.js';
import type { LocalLink } from './local-link.js';
import { beforeTime, serveFakeSession, SinkListener } from './sessions.js';
import { inputSink } from './streams.js';
import { Watches } from './watches.js';
import { timestampNow } from './wire.js';

/** What the fake says of itself. */
const VERSION = '0.0.0-fake';

/** A server in memory: what clients share, and the answers to their calls. */
export class FakeServer {
  readonly events: EventStore;
  readonly clock = new Clock();
  readonly containers: Containers;
  readonly watches: Watches;
  /** The object that clients call. */
  readonly root = servePodherd(this.#handlers());
  readonly #commands: Commands;
  readonly #links = new Set<LocalLink>();
  readonly #startedAt = timestampNow();
  #clientIds = 0n;
  #ended = false;

  /** @param eventsKept as the server's limit */
  constructor(eventsKept: number) {
    this.events = new EventStore(eventsKept);
    this.watches = new Watches(this.events);
    this.containers = new Containers(this.events, this.clock);
    this.#commands = new Commands(this.containers, this.events, this.clock);
  }

  /** A client comes. @throws PodherdError `CONNECTION_FAILED` after the server's end */
  join(link: LocalLink): void {
    if (this.#ended) throw new PodherdError('CONNECTION_FAILED', 'the fake server has ended');
    this.#links.add(link);
    void link.closed().then(() => this.#links.delete(link));
  }

  /** End: all containers are killed, all clients lose their connection. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const container of this.containers.all()) container.kill();
    this.watches.end();
    this.clock.stop();
    for (const link of [...this.#links]) link.lose('the server ended');
  }

  #handlers(): PodherdHandlers {
    const get = (id: string): FakeContainer => this.containers.get(id);
    return {
      version: () => ({
        response: { processId: process.pid, version: VERSION, tag: VERSION, commit: '0', target: 'memory' },
      }),
      serverInfo: () => ({ info: this.info }),
      create: ({ request }, context) => {
        if (request === undefined) throw new PodherdError('INVALID_ARGUMENT', 'request is missing');
        return this.containers.create(request, givenUp(context));
      },
      start: ({ id }) => get(id).start(),
      kill: ({ id, signal, target }) => get(id).signal(signal, target === 'all'),
      stop: (params) => this.#stop(params),
      delete: ({ id, force }) => this.containers.delete(id, force),
      containerStatus: ({ id }) => ({ status: get(id).status() }),
      listContainers: ({ states, labels }) => ({
        containers: this.containers
          .all()
          .filter(({ state }) => states.length === 0 || states.includes(state))
          .filter(({ request }) =>
            labels.every(({ key, ...rest }) => {
              const label = request.labels.find((each) => each.key === key);
              return label !== undefined && (rest.which !== 'value' || label.value === rest.value);
            }),
          )
          .map((container) => container.status()),
        instance: this.events.instance,
        nextSequence: this.events.next,
      }),
      waitContainer: async ({ id, until, timeoutMillis }, context) => {
        const container = get(id);
        const wanted = until as ContainerState;
        await beforeTime(this.clock, Number(timeoutMillis), container.until(wanted, givenUp(context)));
        return { status: container.status(), reached: container.reached(wanted) };
      },
      watchEvents: ({ sink, start }) => {
        if (sink === undefined) throw new PodherdError('INVALID_ARGUMENT', 'sink is missing');
        const begun = this.watches.begin(sink, (start ?? { which: 'now' }) as never);
        return { ...begun, instance: this.events.instance };
      },
      reaperStatus: () => {
        const watched = this.containers.all().filter(({ init }) => init.exit === null).length;
        const { spawned } = this.containers;
        return { status: { spawned, reaped: spawned - watched, watched } };
      },
      stats: ({ ids }) => this.#stats(ids),
      validateBundle: ({ bundlePath: bundle }) => ({
        findings: [...(this.containers.scriptFor({ id: '', bundle, labels: {} }).findings ?? [])],
      }),
      shutdown: () => void this.clock.after(0, () => this.end()),
      exec: ({ request, stdout, stderr }) => {
        if (request === undefined) throw new PodherdError('INVALID_ARGUMENT', 'request is missing');
        return this.#commands.spawn(get(request.id), request, { stdout, stderr });
      },
      execSyncContainer: async ({ request }, context) => {
        if (request === undefined) throw new PodherdError('INVALID_ARGUMENT', 'request is missing');
        return { response: await this.#commands.run(get(request.id), request, givenUp(context)) };
      },
      attach: ({ request, stdout, stderr }) => {
        if (request === undefined) throw new PodherdError('INVALID_ARGUMENT', 'request is missing');
        return this.#attach(get(request.id), request, { stdout, stderr });
      },
      reopenLogContainer: ({ request }) => {
        get(request?.id ?? '');
        return {};
      },
      setWindowSizeContainer: ({ request }) => {
        const container = get(request?.id ?? '');
        container.checkLiving();
        if (container.request.container?.terminal !== true)
          throw new PodherdError('NO_TERMINAL', `container ${container.id} has no terminal`);
        return {};
      },
      createContainer: notFaked('createContainer of conmon-rs'),
      attachContainer: notFaked('an attach socket'),
      createNamespaces: notFaked('namespaces'),
      startFdSocket: notFaked('passing descriptors'),
      serveExecContainer: notFaked('streaming URLs'),
      serveAttachContainer: notFaked('streaming URLs'),
      servePortForwardContainer: notFaked('streaming URLs'),
    };
  }

  /** What it says of itself. */
  get info(): ServerInfo {
    return {
      schemaVersion: SCHEMA_VERSION,
      version: VERSION,
      processId: process.pid,
      instance: this.events.instance,
      startedAt: this.#startedAt,
      runtimePath: '',
      runtimeDir: '',
      runtimeRoot: '',
      features: [],
      runtimeName: 'fake',
      runtimeVersion: '',
    };
  }

  async #stop({ id, signal, graceMillis }: { id: string; signal: number; graceMillis: bigint }) {
    const container = this.containers.get(id);
    let killed = false;
    if (container.state === 'created') container.kill();
    else if (container.init.exit === null) {
      const { stopSignal, stopGraceMillis } = container.status();
      container.signal(signal === 0 ? (stopSignal ?? 0) : signal, false);
      const graceMs = Number(graceMillis < 0n ? (stopGraceMillis ?? 0n) : graceMillis);
      const inTime = await beforeTime(
        this.clock,
        graceMs,
        container.until('exited').then(() => true),
      );
      killed = inTime === null;
      if (killed) container.kill();
    }
    await container.until('exited');
    return { status: container.status(), killed };
  }

  #attach(
    container: FakeContainer,
    { execSessionId, stdin }: { execSessionId: string; stdin: boolean },
    sinks: ConstructorParameters<typeof SinkListener>[0],
  ) {
    const exec = [...container.execs.values()].find((each) => each.sessionId === execSessionId);
    if (execSessionId !== '' && exec === undefined)
      throw new PodherdError(
        'EXEC_SESSION_NOT_FOUND',
        `no exec session ${execSessionId} in container ${container.id}`,
      );
    if (container.init.exit !== null)
      throw new PodherdError('CONTAINER_NOT_RUNNING', `container ${container.id} has ended`);
    const process = exec?.process ?? container.init;
    const clientId = ++this.#clientIds;
    const listener = new SinkListener(sinks);
    let reason: 'left' | 'ended' | null = null;
    const leave = (why: 'left' | 'ended'): void => {
      if (reason !== null) return;
      reason = why;
      process.listeners.delete(listening);
      this.events.emit(container.id, { which: 'detached', detached: { clientId, reason } });
    };
    const listening = {
      write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => listener.write(stream, bytes),
      end: () => {
        leave('ended');
        return listener.end();
      },
    };
    process.listeners.add(listening);
    this.events.emit(container.id, { which: 'attached', attached: { clientId, execSessionId } });
    const terminal = container.request.container?.terminal === true;
    const session = serveFakeSession({
      process,
      listener,
      terminal,
      clock: this.clock,
      released: () => leave('left'),
    });
    const hasInput = container.request.container?.stdin === true || terminal || exec !== undefined;
    if (!hasInput) return { session };
    const input = inputSink(
      (bytes) => process.input(bytes),
      () => {
        if (stdin) process.inputEnd();
      },
    );
    return { session, stdin: input };
  }

  #stats(ids: readonly string[]) {
    const chosen = ids.length > 0 ? ids.map((id) => this.containers.get(id)) : this.containers.all();
    const living = chosen.filter(({ init }) => init.exit === null);
    const gone = ids.length > 0 ? chosen.find(({ init }) => init.exit !== null) : undefined;
    if (gone !== undefined) throw new PodherdError('CONTAINER_NOT_RUNNING', `container ${gone.id} has ended`);
    const at = timestampNow();
    const all = this.containers.all();
    return {
      containers: living.map(({ id, logged }) => ({ id, at, log: { bytes: logged } })),
      server: {
        at,
        connections: this.#links.size,
        containers: all.length,
        living: all.filter(({ init }) => init.exit === null).length,
        execs: all.reduce((sum, { execs }) => sum + execs.size, 0),
        eventWatches: this.watches.size,
        nextSequence: this.events.next,
      },
    };
  }
}

/** Aborts when the caller has given the call up. */
function givenUp(context: CallContext): AbortSignal {
  return (context as CallContext & LocalContext).signal;
}

function notFaked(what: string): () => never {
  return () => {
    throw new PodherdError('UNIMPLEMENTED', `a fake pod has no ${what}`);
  };
}
