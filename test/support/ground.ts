import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';

import type { CreateContainerRequestInit, LogDriverInit } from '../../ts/client/src/generated/conmon.js';
import type { CreateRequestInit } from '../../ts/client/src/generated/podherd.js';
import { type BundleOptions, writeBundle } from './bundle.js';
import { removeCgroups } from './cgroups.js';
import { TestContainer } from './container.js';
import { answered, type Connection } from './connection.js';
import { ExitFiles } from './exit-files.js';
import { tell, type Thing } from './leftovers.js';
import { OddRuntime, type OddRule } from './odd-runtime.js';
import { output, run } from './run.js';
import type { Runtime } from './runtimes.js';
import { type ServerOptions, TestServer } from './server.js';

/** What a test asks of createContainer; the rest is as CRI-O sends it. */
export interface CreateOptions extends Partial<Omit<BundleOptions, 'rootfs' | 'cgroupsPath'>> {
  args: readonly string[];
  id?: string;
  stdin?: boolean;
  /** A bundle that the test has made; otherwise one is written from these options. */
  bundlePath?: string;
  logPath?: string;
  /** In place of one CRI log at `logPath`. */
  logDrivers?: readonly LogDriverInit[];
  /** In place of the test's own exit directory. */
  exitPaths?: readonly string[];
  /** Options of the runtime's `create`. */
  commandArgs?: readonly string[];
  /** Slots of the fd socket. */
  additionalFds?: readonly bigint[];
  leakFds?: readonly bigint[];
  /** Files that are made when it was killed for memory; by default one, see `oomPath`. */
  oomExitPaths?: readonly string[];
  /** What only our own interface takes: the container is created by it then. */
  settings?: Omit<CreateRequestInit, 'container'>;
  server?: TestServer;
  connection?: Connection;
}

/**
 * The ground under one test: a folder, a runtime root, a cgroup and a server of its own, and the account of what is
 * left at the end.
 */
export class Ground {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly cgroup: string;
  readonly runtimeRoot: string;
  readonly exitFiles: ExitFiles;
  readonly #servers: TestServer[] = [];
  readonly #containers: TestContainer[] = [];
  readonly #clients: (() => void)[] = [];
  readonly #cleanups: (() => Promise<void> | void)[] = [];
  /** The first server, as soon as somebody has asked for it. */
  #first: Promise<TestServer> | undefined;
  #ids = 0;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.folder = mkdtempSync(join(tmpdir(), 'podherd-test-'));
    this.cgroup = `podherd-test-${randomBytes(6).toString('hex')}`;
    this.runtimeRoot = join(this.folder, 'root');
    mkdirSync(this.runtimeRoot);
    this.exitFiles = new ExitFiles(join(this.folder, 'exits'));
  }

  /** The test's server, started at the first call. */
  server(options: Partial<ServerOptions> = {}): Promise<TestServer> {
    const first = this.#servers[0];
    this.#first ??= first === undefined ? this.anotherServer('server', options) : Promise.resolve(first);
    return this.#first;
  }

  /** A server with a runtime directory of this name. */
  async anotherServer(name: string, options: Partial<ServerOptions> = {}): Promise<TestServer> {
    const server = await TestServer.start(this.place(name), { runtime: this.runtime.path, ...options });
    this.#servers.push(server);
    return server;
  }

  place(name: string): { folder: string; cgroup: string; runtimeDir: string; runtimeRoot: string } {
    const { folder, cgroup, runtimeRoot } = this;
    return { folder, cgroup, runtimeRoot, runtimeDir: join(folder, name) };
  }

  /** The runtime behind a front that misbehaves. */
  odd(rules: readonly OddRule[]): OddRuntime {
    return new OddRuntime(join(this.folder, 'odd'), this.runtime.path, rules);
  }

  /** A path in the test's folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  newId(): string {
    return `c${++this.#ids}`;
  }

  /** Writes a bundle and gives its path. */
  bundle(id: string, options: Omit<CreateOptions, 'id'>): string {
    const path = join(this.folder, 'bundles', id);
    writeBundle(path, { rootfs: inject('rootfs'), cgroupsPath: `/${this.cgroup}/${id}`, ...options });
    return path;
  }

  /** Asks the server for a container. Rejects with the server's error. */
  async create(options: CreateOptions): Promise<TestContainer> {
    const server = options.server ?? (await this.server());
    const id = options.id ?? this.newId();
    const bundle = options.bundlePath ?? this.bundle(id, options);
    const logPath = options.logPath ?? this.logPath(id);
    const connection = options.connection ?? server.connection;
    const request: CreateContainerRequestInit = {
      id,
      bundlePath: bundle,
      terminal: options.terminal ?? false,
      stdin: options.stdin ?? false,
      exitPaths: [...(options.exitPaths ?? [this.exitFiles.path(id)])],
      oomExitPaths: [...(options.oomExitPaths ?? [this.oomPath(id)])],
      logDrivers: [...(options.logDrivers ?? [{ type: 'containerRuntimeInterface', path: logPath }])],
      cgroupManager: 'cgroupfs',
      commandArgs: [...(options.commandArgs ?? [])],
      additionalFds: [...(options.additionalFds ?? [])],
      leakFds: [...(options.leakFds ?? [])],
    };
    const pid =
      options.settings === undefined
        ? answered((await connection.conmon.createContainer({ request })).response).containerPid
        : (await connection.podherd.create({ request: { ...options.settings, container: request } })).pid;
    const container = new TestContainer({
      id,
      pid,
      bundle,
      logPath,
      runtime: this.runtime,
      runtimeRoot: this.runtimeRoot,
      connection,
      exitFiles: this.exitFiles,
    });
    this.#containers.push(container);
    return container;
  }

  /** Creates and starts a container. */
  async run(options: CreateOptions): Promise<TestContainer> {
    const container = await this.create(options);
    await container.start();
    return container;
  }

  /** A container that lives until it is ended. */
  runHealthy(options: Partial<CreateOptions> = {}): Promise<TestContainer> {
    return this.run({ args: ['workload', 'pause'], ...options });
  }

  logPath(id: string): string {
    return join(this.folder, `${id}.log`);
  }

  /** The file that says that the container was killed for memory. */
  oomPath(id: string): string {
    return join(this.folder, `${id}.oom`);
  }

  /** Mounts a tmpfs of this size in the test's folder. */
  async tmpfs(name: string, size: string): Promise<string> {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'podherd-test', path]);
    if (mounted.code !== 0) throw new Error(`mount of ${path}: ${mounted.stderr}`);
    this.onEnd(async () => void (await run('umount', ['--lazy', path])));
    return path;
  }

  /** Mounts an ext4 of this size on a block device of its own in the test's folder. */
  async blockDevice(name: string, bytes: number): Promise<{ path: string; number: [number, number] }> {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    const image = `${path}.image`;
    writeFileSync(image, '');
    truncateSync(image, bytes);
    await output('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', image]);
    await output('mount', ['-o', 'loop', image, path]);
    this.onEnd(async () => void (await run('umount', ['--lazy', path])));
    const { dev } = statSync(path);
    return { path, number: [dev >> 8, dev & 0xff] };
  }

  /** Has a client of a server's ended before it is looked what is left. */
  endsFirst(client: () => void): void {
    this.#clients.push(client);
  }

  /** Has something undone after the servers have ended. */
  onEnd(cleanup: () => Promise<void> | void): void {
    this.#cleanups.unshift(cleanup);
  }

  /** Fails when anything is there beyond `before`, or beyond what was there at the server's start. */
  async expectNothingLeft(before?: readonly Thing[]): Promise<void> {
    for (const server of this.#servers) this.#complain(await server.leftovers(before), server);
  }

  /** Ends everything, and fails when something was left by the servers. */
  async end(): Promise<void> {
    try {
      for (const end of this.#clients) end();
      for (const container of this.#containers) await container.delete();
      await this.expectNothingLeft();
      for (const server of this.#servers) this.#complain(await server.stop(), server);
    } finally {
      await this.#clear();
    }
  }

  #complain(leftovers: readonly Thing[], server: TestServer): void {
    if (leftovers.length === 0) return;
    throw new Error(
      `left behind:\n${tell(leftovers)}\nthe server's last words:\n${server.log.slice(-3_000)}`,
    );
  }

  async #clear(): Promise<void> {
    for (const server of this.#servers) await server.stop().catch(() => undefined);
    for (const server of this.#servers) await server.nursery.clear();
    for (const cleanup of this.#cleanups) await cleanup();
    this.exitFiles.close();
    removeCgroups(this.cgroup);
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }
}
