import { PodherdClient } from '../generated/podherd.js';
import { NativeLifecycle } from '../lifecycle/native.js';
import type { Logger } from '../logger.js';
import { Pod } from '../pod.js';
import { signalName } from '../signals.js';
import type { ScriptMatch } from './containers.js';
import { LocalCaller } from './local-caller.js';
import { LocalLink } from './local-link.js';
import type { ContainerScript, FakeEnd } from './script.js';
import { FakeServer } from './server.js';
import { bytesOf } from './wire.js';

/** What a fake server is like. */
export interface FakePodOptions {
  /** Events that are kept for who resumes. Default 4,096, as a server's. */
  eventsKept?: number | undefined;
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * A pod whose server is in memory: for unit tests of what uses a `Pod`. It is the client itself, over a server
 * that makes no process, no socket and no file but the logs that a create asks for. Containers do what their scripts
 * say, and what the test tells them to.
 *
 * @example
 * ```ts
 * await using pod = new FakePod();
 * pod.script('job', { stdout: 'done\n', exitCode: 3, afterMs: 10 });
 * const container = await pod.createContainer({ id: 'job', bundle: '/bundles/job' });
 * await container.start();
 * expect((await container.wait()).exitCode).toBe(3);
 * ```
 */
export class FakePod extends Pod {
  readonly #server: FakeServer;
  readonly #link: LocalLink;
  readonly #owns: boolean;

  /** A pod with a server of its own, which `close` ends. */
  constructor(options?: FakePodOptions);
  /** @internal Use `connect`. */
  constructor(options: FakePodOptions | undefined, server: FakeServer);
  constructor(options: FakePodOptions = {}, shared?: FakeServer) {
    const server = shared ?? new FakeServer(options.eventsKept ?? 4_096);
    const link = new LocalLink(server.info);
    server.join(link);
    const client = new PodherdClient(new LocalCaller(server.root as never, link));
    const lifecycle = new NativeLifecycle(client, link);
    super({ socketPath: '/fake/conmon.sock', link, client, lifecycle, logger: SILENT, owned: null });
    this.#server = server;
    this.#link = link;
    this.#owns = shared === undefined;
  }

  /** Another client of the same server, as `Pod.connect` gives it: closing it leaves the server. */
  connect(): FakePod {
    return new FakePod(undefined, this.#server);
  }

  /**
   * Say what containers do that are created from now on: those of an id, or that a function or an expression
   * chooses. The last script that matches holds.
   */
  script(match: ScriptMatch, script: ContainerScript): this {
    this.#server.containers.script(match, script);
    return this;
  }

  /**
   * End a container: with exit code 0, if nothing is said. One that has ended stays as it is.
   *
   * @throws PodherdError `CONTAINER_NOT_FOUND`
   */
  exit(id: string, how: FakeEnd = {}): void {
    this.#server.containers.get(id).end(how);
  }

  /** Have a process of a container killed for memory that isn't its first one. */
  oomKill(id: string): void {
    this.#server.containers.get(id).oomKill();
  }

  /** Have a container write. */
  write(id: string, data: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): void {
    this.#server.containers.get(id).init.write(stream, bytesOf(data));
  }

  /** Signals that a container's first process got, in their order: "SIGTERM". */
  signals(id: string): string[] {
    return this.#server.containers.get(id).init.signals.map(signalName);
  }

  /** Lose the connection of this client: calls in flight reject. The server goes on. */
  disconnect(): void {
    this.#link.lose('the connection was lost');
  }

  override async close(): Promise<void> {
    await super.close();
    if (this.#owns) this.#server.end();
  }
}
