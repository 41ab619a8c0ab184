import type { CreateRequest } from '../create-options.js';
import { PodherdError } from '../errors.js';
import { type ExitState } from '../exit-state.js';
import type { Finding } from '../findings.js';
import type { ConmonClient } from '../generated/conmon.js';
import type { KillTarget, ReaperStatus, ServerInfo } from '../generated/podherd.js';
import type { Created, Lifecycle, StoppedStatus, StopRequest } from '../lifecycle/lifecycle.js';
import { stopByKill } from '../lifecycle/stop-by-kill.js';
import { needsNewer } from '../link/versions.js';
import { type ListFilter, passes, type Snapshot } from '../list-options.js';
import { callerOptions } from '../rpc/caller.js';
import { type CallOptions, Deadline, within } from '../rpc/deadline.js';
import { signalName } from '../signals.js';
import type { PodStats } from '../stats/server-stats.js';
import type { ContainerState, ContainerStatus } from '../status.js';
import { timestampOf } from '../timestamp.js';
import { statusAtCreation, statusFromRuntime } from './compatible-status.js';
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
  constructor(
    client: ConmonClient,
    closed: Promise<PodherdError | undefined>,
    directory: string,
    runtime: RuntimePlace | null,
  ) {
    this.#client = client;
    void closed.then((cause) => {
      this.#gone = true;
      for (const onGone of this.#waits) onGone(cause);
    });
    this.#directory = directory;
    this.#runtime = runtime === null ? null : new RuntimeCalls(runtime);
  }

  async create(request: CreateRequest, options: CallOptions): Promise<Created> {
    const { container } = request;
    const { id } = container;
    refuseWhatOnlyOursHas(request);
    const exits = await ExitDirectory.make(this.#directory);
    try {
      const { response } = await this.#client.createContainer(
        {
          request: {
            ...container,
            // The server writes the first one last.
            exitPaths: [exits.exitPath, ...(container.exitPaths ?? [])],
            oomExitPaths: [...(container.oomExitPaths ?? []), exits.oomPath],
          },
        },
        callerOptions(`create of ${id}`, options),
      );
      if (response === undefined)
        throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a pid');
      const previous = this.#known.get(id);
      this.#known.set(id, newlyKnown(request, exits, response.containerPid));
      await previous?.exits.dispose();
      return { pid: response.containerPid, findings: [] };
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

  stop(id: string, request: StopRequest, options: CallOptions): Promise<StoppedStatus> {
    return stopByKill(this, id, request, options);
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
    return statusFromRuntime(await this.#calls.state(id, [], options));
  }

  list(filter: ListFilter): Promise<ContainerStatus[]> {
    const all = [...this.#known.values()].map(({ status }) => status);
    return Promise.resolve(all.filter((status) => passes(filter, status)));
  }

  snapshot(): Promise<Snapshot> {
    return Promise.reject(needsNewer(null, 'a snapshot'));
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

  stats(): Promise<PodStats> {
    return Promise.reject(needsNewer(null, 'stats'));
  }

  validateBundle(): Promise<Finding[]> {
    return Promise.reject(needsNewer(null, 'validateBundle'));
  }

  reaperStatus(): Promise<ReaperStatus> {
    return Promise.reject(needsNewer(null, "the reaper's status", 1));
  }

  serverInfo(): Promise<ServerInfo> {
    return Promise.reject(needsNewer(null, 'serverInfo', 1));
  }

  shutdown(): Promise<void> {
    return Promise.reject(needsNewer(null, 'shutdown'));
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
}

function newlyKnown(request: CreateRequest, exits: ExitDirectory, pid: number): Known {
  const { cgroupManager, globalArgs = [] } = request.container;
  const known: Known = {
    globalArgs: [...(cgroupManager === 'systemd' ? ['--systemd-cgroup'] : []), ...globalArgs],
    exits,
    status: statusAtCreation(request, pid),
  };
  exits.onExit((exit) => {
    known.status = { ...known.status, state: 'exited', pid: null, exit };
  });
  return known;
}

/** Labels and how to stop it are kept on this side; the rest has to be done by the server. */
function refuseWhatOnlyOursHas({ preflight, rateLimit, logMaxFiles }: CreateRequest): void {
  if ((preflight ?? 'off') !== 'off') throw needsNewer(null, 'a create with a preflight');
  if (rateLimit !== undefined) throw needsNewer(null, 'a create with a rate limit');
  if ((logMaxFiles ?? 0) > 0) throw needsNewer(null, 'a create with maxFiles');
}
