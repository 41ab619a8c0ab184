import { PodherdError } from '../errors.js';
import type { ConmonClient, CreateContainerRequestInit } from '../generated/conmon.js';
import type { KillTarget, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { callerOptions } from '../rpc/caller.js';
import { type CallOptions, Deadline, within } from '../rpc/deadline.js';
import type { Session } from '../rpc/session.js';
import { signalName } from '../signals.js';
import {
  type ContainerState,
  type ContainerStatus,
  type ExitState,
  timestampOf,
  unknownExit,
} from '../status.js';
import { ExitDirectory } from './exit-directory.js';
import { RuntimeCalls, type RuntimePlace } from './runtime-calls.js';

const ORDER: readonly ContainerState[] = ['creating', 'created', 'running', 'exited'];

/** Milliseconds between the end of a container and its exit file, at most: what the server takes to drain its output. */
const EXIT_FILE_MS = 3_000;

/** What is kept of a container that this client created. */
interface Known {
  status: ContainerStatus;
  readonly globalArgs: readonly string[];
  readonly exits: ExitDirectory;
}

/**
 * The life of containers on a server that only speaks conmon-rs's protocol: the server creates and
 * watches, the rest is this client's own runs of the runtime, as that protocol's clients do it. How a
 * container ended is told by its exit file, so only for containers that this client created.
 */
export class CompatibleLifecycle implements Lifecycle {
  readonly kind = 'conmon';
  readonly #client: ConmonClient;
  /** Who waits for an end that a server has to tell. */
  readonly #waits = new Set<(cause: PodherdError | undefined) => void>();
  #gone = false;
  readonly #directory: string;
  readonly #runtime: RuntimeCalls | null;
  /** In the order of creation. An entry ends with `delete` or `dispose`. */
  readonly #known = new Map<string, Known>();

  /** @param directory where the exit directories are made; the server has to see it under the same path */
  constructor(client: ConmonClient, session: Session, directory: string, runtime: RuntimePlace | null) {
    this.#client = client;
    void session.closed().then((cause) => {
      this.#gone = true;
      for (const onGone of this.#waits) onGone(cause);
    });
    this.#directory = directory;
    this.#runtime = runtime === null ? null : new RuntimeCalls(runtime);
  }

  async create(request: CreateContainerRequestInit & { id: string }, options: CallOptions): Promise<number> {
    const { id } = request;
    const exits = await ExitDirectory.make(this.#directory);
    try {
      const { response } = await this.#client.createContainer(
        {
          request: {
            ...request,
            // The server writes the first one last.
            exitPaths: [exits.exitPath, ...(request.exitPaths ?? [])],
            oomExitPaths: [...(request.oomExitPaths ?? []), exits.oomPath],
          },
        },
        callerOptions(`create of ${id}`, options),
      );
      if (response === undefined)
        throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a pid');
      const previous = this.#known.get(id);
      this.#known.set(id, this.#newlyKnown(request, exits, response.containerPid));
      await previous?.exits.dispose();
      return response.containerPid;
    } catch (error) {
      await exits.dispose();
      throw error;
    }
  }

  async start(id: string, options: CallOptions): Promise<void> {
    const known = this.#known.get(id);
    await this.#calls.run(known?.globalArgs ?? [], ['start', id], options);
    if (known?.status.state === 'created') {
      known.status = { ...known.status, state: 'running', startedAt: timestampOf(new Date()) };
    }
  }

  async kill(id: string, signal: number, target: KillTarget, options: CallOptions): Promise<void> {
    const name = signalName(signal);
    const args = [
      'kill',
      ...(target === 'all' ? ['--all'] : []),
      id,
      /^SIG\d/.test(name) ? String(signal) : name,
    ];
    await this.#calls.run(this.#known.get(id)?.globalArgs ?? [], args, options);
  }

  async delete(id: string, force: boolean, options: CallOptions): Promise<void> {
    const known = this.#known.get(id);
    await this.#calls.run(known?.globalArgs ?? [], ['delete', ...(force ? ['--force'] : []), id], options);
    if (known === undefined) return;
    // One that was killed just now: its exit file is under way, and somebody may be waiting for it.
    await known.exits.appears(EXIT_FILE_MS);
    this.#known.delete(id);
    await known.exits.dispose();
  }

  async status(id: string, options: CallOptions): Promise<ContainerStatus> {
    const known = this.#known.get(id);
    if (known !== undefined) return known.status;
    const { status, pid, bundle } = await this.#calls.state(id, [], options);
    const state = status === 'stopped' ? 'exited' : status === 'paused' ? 'running' : status;
    return {
      id,
      state,
      pid: state === 'exited' ? null : (pid ?? null),
      bundle,
      terminal: false,
      createdAt: null,
      startedAt: null,
      exit: state === 'exited' ? unknownExit('created-elsewhere') : null,
      logPaths: [],
      droppedLogBytes: 0,
    };
  }

  list(): Promise<ContainerStatus[]> {
    return Promise.resolve([...this.#known.values()].map(({ status }) => status));
  }

  async wait(id: string, until: ContainerState, options: CallOptions): Promise<ContainerStatus> {
    const known = this.#known.get(id);
    const status = known?.status ?? (await this.status(id, options));
    if (ORDER.indexOf(status.state) >= ORDER.indexOf(until)) return status;
    if (known === undefined || until !== 'exited') {
      const why = known === undefined ? 'another client created it' : 'it is started by whoever calls start';
      throw new PodherdError('EXIT_UNKNOWN', `this server does not tell when ${id} will be ${until}: ${why}`);
    }
    await this.#exit(id, known, options);
    return known.status;
  }

  reaperStatus(): Promise<ReaperStatus> {
    return Promise.reject(unimplemented('the status of its reaper'));
  }

  serverInfo(): Promise<ServerInfo> {
    return Promise.reject(unimplemented('what it can do'));
  }

  async dispose(): Promise<void> {
    const all = [...this.#known.values()];
    this.#known.clear();
    await Promise.all(all.map(({ exits }) => exits.dispose()));
  }

  get #calls(): RuntimeCalls {
    if (this.#runtime !== null) return this.#runtime;
    throw new PodherdError(
      'INVALID_ARGUMENT',
      'this server leaves start, kill and delete to its clients: name its runtime in the option runtime',
    );
  }

  /** The exit file is awaited no longer than there is a server to write it. */
  async #exit(id: string, { exits }: Known, options: CallOptions): Promise<void> {
    const deadline = new Deadline(`wait for ${id} to be exited`, options);
    let letGo: () => unknown = () => {};
    let onGone: (cause: PodherdError | undefined) => void = () => {};
    const exit = new Promise<ExitState>((resolve, reject) => {
      letGo = exits.onExit(resolve);
      onGone = (cause) => {
        reject(new PodherdError('CONNECTION_CLOSED', `the server that watched ${id} is gone`, { cause }));
      };
    });
    this.#waits.add(onGone);
    try {
      if (this.#gone) onGone(undefined);
      await within(exit, deadline);
    } finally {
      this.#waits.delete(onGone);
      letGo();
      deadline.stop();
    }
  }

  #newlyKnown(
    request: CreateContainerRequestInit & { id: string },
    exits: ExitDirectory,
    pid: number,
  ): Known {
    const systemd = request.cgroupManager === 'systemd' ? ['--systemd-cgroup'] : [];
    const known: Known = {
      globalArgs: [...systemd, ...(request.globalArgs ?? [])],
      exits,
      status: {
        id: request.id,
        state: 'created',
        pid,
        bundle: request.bundlePath ?? '',
        terminal: request.terminal ?? false,
        createdAt: timestampOf(new Date()),
        startedAt: null,
        exit: null,
        logPaths: (request.logDrivers ?? []).flatMap(({ path }) => (path === undefined ? [] : [path])),
        droppedLogBytes: 0,
      },
    };
    exits.onExit((exit) => {
      known.status = { ...known.status, state: 'exited', pid: null, exit };
    });
    return known;
  }
}

function unimplemented(what: string): PodherdError {
  return new PodherdError(
    'UNIMPLEMENTED',
    `this server speaks conmon-rs's protocol only and does not tell ${what}`,
  );
}
