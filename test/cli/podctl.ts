import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Ground } from '../support/ground.js';
import { repository, serverBinary } from '../support/paths.js';
import { allProcesses } from '../support/processes.js';
import type { TestServer } from '../support/server.js';

/** The program as npm installs it. */
const PODCTL = join(repository, 'ts/cli/dist/main.js');

/** How podctl ended, and what it printed. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What it reads; nothing if not given. */
  input?: string;
  env?: Readonly<Record<string, string>>;
}

/** podctl on the ground of a test, with the test's own server. */
export class Podctl {
  readonly #ground: Ground;
  readonly server: TestServer;

  static async on(ground: Ground): Promise<Podctl> {
    return new Podctl(ground, await ground.server());
  }

  private constructor(ground: Ground, server: TestServer) {
    this.#ground = ground;
    this.server = server;
  }

  /** Its environment: the server is named by the variable. */
  get env(): Record<string, string> {
    return { ...environment(this.#ground), PODHERD_RUNTIME_DIR: this.server.watched.runtimeDir };
  }

  /** Run it to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return finished(this.start(args, options), options.input);
  }

  /** Run it, which must succeed, and give what it printed. */
  async output(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`podctl ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** The same with `--json`, parsed. */
  async json<T>(command: string, ...args: string[]): Promise<T> {
    return JSON.parse(await this.output(command, '--json', ...args)) as T;
  }

  /** Start it, for a test that does something to it while it runs. It is killed at the test's end. */
  start(args: readonly string[], options: RunOptions = {}): ChildProcess {
    return startPodctl(this.#ground, args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Words that run a command in a new container on the test's server, up to the command. */
  words(command: 'run' | 'create', ...options: string[]): string[] {
    return [command, ...inCgroup(this.#ground), ...options, rootfs(), '--'];
  }

  /** A container that lives until it is ended. It is removed at the test's end if it is there still. */
  async healthy(name: string, ...options: string[]): Promise<void> {
    await this.output(...this.words('run', '--detach', '--name', name, ...options), 'workload', 'pause');
  }

  /** Remove containers, whatever their state. */
  async remove(...ids: string[]): Promise<void> {
    await this.output('rm', '--force', ...ids);
  }
}

/** podctl for a server of its own: nothing names one. */
export function environment(ground: Ground): Record<string, string> {
  const temporary = ground.path('podctl-tmp');
  mkdirSync(temporary, { recursive: true });
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: ground.folder,
    TMPDIR: temporary,
    TERM: 'xterm-256color',
    PODHERD_SERVER: serverBinary,
  };
}

/** The command line's first words: node may be anywhere. */
export const podctlCommand: readonly [program: string, script: string] = [process.execPath, PODCTL];

/** Keeps a container's cgroup where the test counts what is left, and the root file system as it is. */
export function inCgroup(ground: Ground): string[] {
  return ['--read-only', '--cgroup-parent', `/${ground.cgroup}`];
}

/** The root file system that all tests share. */
export function rootfs(): string {
  return inject('rootfs');
}

/** Start podctl. It is killed at the test's end. */
export function startPodctl(ground: Ground, args: readonly string[], options: RunOptions = {}): ChildProcess {
  const [program, script] = podctlCommand;
  const child = spawn(program, [script, ...args], {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: options.env ?? environment(ground),
  });
  ground.endsFirst(() => child.kill('SIGKILL'));
  return child;
}

/** What a process printed, and how it ended. */
export async function finished(child: ChildProcess, input?: string): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  if (input !== undefined) child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** Resolves when a process has printed something that fits; gives all that it has printed. */
export function printed(child: ChildProcess, wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (wanted.test(text)) resolve(text);
    });
    child.once('close', () => reject(new Error(`it ended, and had printed: ${text}`)));
  });
}

/** Pids of servers that work in this test's folder. */
export function serversOf(ground: Ground): number[] {
  return allProcesses()
    .filter(({ pid, state }) => state !== 'Z' && commandLine(pid).includes(`--runtime-dir=${ground.folder}`))
    .map(({ pid }) => pid);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
