import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { Connection } from './connection.js';
import { beyond, findLeftovers, settle, takeSnapshot, type Thing, type Watched } from './leftovers.js';
import { Nursery } from './nursery.js';
import { serverBinary, serverKind } from './paths.js';
import { until, within } from './until.js';

/** Seconds a server may take to end: clients of the protocol poll for ten. */
const SHUTDOWN_MS = 10_000;

export interface ServerOptions {
  runtime: string;
  /** Flags beyond those that the protocol knows: only for tests of our own server. */
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Where its own log goes; `stdout` if not given, which the test can read. */
  logDriver?: 'stdout' | 'systemd';
  /** Words of the command line before the server's own, of a program that executes it. */
  enter?: readonly string[];
}

/** Where a server works. */
export interface ServerPlace {
  folder: string;
  cgroup: string;
  runtimeDir: string;
  runtimeRoot: string;
}

/** A server of its own for one test, started as CRI-O does it, under a nursery. */
export class TestServer {
  readonly pid: number;
  readonly watched: Watched;
  #atStart: readonly Thing[];
  /** The connection that the test's calls go through. */
  readonly connection: Connection;
  readonly nursery: Nursery;
  readonly #place: ServerPlace;
  readonly #log: string;
  #stopped = false;

  static async start(place: ServerPlace, options: ServerOptions): Promise<TestServer> {
    const temporary = join(place.folder, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const logPath = join(place.folder, `${basename(place.runtimeDir)}.log`);
    const logStart = existsSync(logPath) ? statSync(logPath).size : 0;
    const nursery = launch(place, options, logPath, temporary);
    try {
      const first = await within(
        'the start of the server',
        nursery.end(({ adopted }) => !adopted),
      );
      if (first.exitCode !== 0)
        throw new Error(`the server did not start: ${readFileSync(logPath).subarray(logStart).toString()}`);
      const pidFile = join(place.runtimeDir, 'pidfile');
      const pid = Number(readFileSync(pidFile, 'utf8'));
      const connection = await until('the server listens', () =>
        existsSync(socketPath(place)) ? Connection.open(socketPath(place)).catch(() => undefined) : undefined,
      );
      await connection.conmon.version({ request: { verbose: false } });
      rmSync(pidFile);
      return new TestServer(place, pid, nursery, connection, { logPath, temporary });
    } catch (error) {
      await nursery.clear();
      throw error;
    }
  }

  private constructor(
    place: ServerPlace,
    pid: number,
    nursery: Nursery,
    connection: Connection,
    paths: { logPath: string; temporary: string },
  ) {
    this.#place = place;
    this.#log = paths.logPath;
    this.pid = pid;
    this.nursery = nursery;
    this.connection = connection;
    this.watched = { ...place, server: pid, nursery: nursery.pid, temporary: paths.temporary };
    this.#atStart = takeSnapshot(this.watched);
  }

  /** What was there when the server had just started. */
  get atStart(): readonly Thing[] {
    return this.#atStart;
  }

  /** Has the server make something that lives as long as it does: from then on that was there at the start. */
  async adds<T>(make: () => Promise<T>): Promise<T> {
    const before = takeSnapshot(this.watched);
    const made = await make();
    this.#atStart = [...this.#atStart, ...beyond(takeSnapshot(this.watched), before)];
    return made;
  }

  /** What the server said. */
  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  get socketPath(): string {
    return socketPath(this.#place);
  }

  /** Another connection, whose end is the test's to choose. */
  connect(): Promise<Connection> {
    return Connection.open(this.socketPath);
  }

  /** All that is there now. */
  snapshot(): Thing[] {
    return takeSnapshot(this.watched);
  }

  /** What is there beyond `before`, and what our server's reaper holds that it should have let go. */
  async leftovers(before: readonly Thing[] = this.#atStart): Promise<Thing[]> {
    const found = await findLeftovers(this.watched, before);
    if (this.#stopped || serverKind !== 'podherd') return found;
    const held = await settle(async () => {
      const { zombiesNow, openClaims, unclaimedExits } = await this.connection.reaperStatus();
      return Object.entries({ zombiesNow, openClaims, unclaimedExits })
        .filter(([, count]) => count !== 0)
        .map(([name, count]) => ({ kind: 'reaper', what: `${name}: ${count}` }));
    });
    return [...found, ...held];
  }

  /** Asks the server to end as the Go client does, and tells what is left then. */
  async stop(): Promise<Thing[]> {
    if (this.#stopped) return [];
    this.#stopped = true;
    await this.connection.close();
    return this.#end(['SIGINT']);
  }

  /** Signals the server with calls still in flight, each signal when the one before was heard. */
  async stopAtOnce(...signals: NodeJS.Signals[]): Promise<Thing[]> {
    this.#stopped = true;
    const left = await this.#end(signals);
    await this.connection.close();
    return left;
  }

  async #end(signals: readonly NodeJS.Signals[]): Promise<Thing[]> {
    for (const signal of signals) {
      if (existsSync(`/proc/${this.pid}`)) process.kill(this.pid, signal);
      if (signals.length > 1)
        await until('the server has heard it', () => (this.log.includes('ending') ? true : undefined));
    }
    try {
      if (!(await within('the end of the server', this.nursery.empty, SHUTDOWN_MS)))
        throw new Error('killed');
    } catch {
      const left = await findLeftovers(this.watched, this.atStart, 0);
      await this.nursery.clear();
      return [
        { kind: 'server', what: `${this.pid} or what came of it did not end in ${SHUTDOWN_MS} ms` },
        ...left,
      ];
    }
    const end = this.nursery.ended.find(({ pid }) => pid === this.pid);
    const left = ['conmon.sock', 'conmon-fd.sock', 'pidfile']
      .filter((name) => existsSync(join(this.#place.runtimeDir, name)))
      .map((what) => ({ kind: 'file in the runtime directory', what }));
    if (end?.exitCode === 0) return left;
    return [
      { kind: 'server', what: `ended with exit code ${end?.exitCode}, signal ${end?.signal}` },
      ...left,
    ];
  }

  /** Kills the server as the OOM killer would, with all that came of it. */
  async kill(): Promise<void> {
    this.#stopped = true;
    process.kill(this.pid, 'SIGKILL');
    await this.nursery.end(({ pid }) => pid === this.pid);
    await this.connection.close();
  }
}

function socketPath(place: ServerPlace): string {
  return join(place.runtimeDir, 'conmon.sock');
}

function launch(place: ServerPlace, options: ServerOptions, logPath: string, temporary: string): Nursery {
  const log = openSync(logPath, 'a', 0o600);
  const flags = serverKind === 'podherd' ? (options.flags ?? []) : [];
  try {
    return new Nursery(
      [
        ...(options.enter ?? []),
        serverBinary,
        `--runtime=${options.runtime}`,
        `--runtime-dir=${place.runtimeDir}`,
        `--runtime-root=${place.runtimeRoot}`,
        '--log-level=debug',
        `--log-driver=${options.logDriver ?? 'stdout'}`,
        ...flags,
      ],
      log,
      { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: temporary, ...options.env },
    );
  } finally {
    closeSync(log);
  }
}
