import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect } from 'vitest';
import { Pod, type PodEvent } from '../../ts/client/src/index.js';
import type { Ground } from '../support/ground.js';
import { repository } from '../support/paths.js';
import { forEachRuntime } from '../support/suite.js';
import { startPod } from './pod.js';

const CRASHES = 200;
const MEMORY = 16 << 20;

interface State {
  position: string;
  containers: Record<
    string,
    { ends: number; oomKills: number; inARow: number; last: string; givenUp?: string }
  >;
}

forEachRuntime('the example of a restart controller', (test) => {
  test('counts every end once over 200 crashes and two kills of its own', async ({ ground }) => {
    const pod = await startPod(ground);
    const watcher = new Watcher(pod);
    await watcher.ready();
    const crash = ['workload', 'exit', '3'];
    const controller = new Controller(ground, {
      crasher: ground.bundle('crasher', { args: crash }),
      beside: ground.bundle('beside', { args: ['workload', 'sleep', '20', 'then', 'die', '11'] }),
      steady: ground.bundle('steady', { args: ['workload', 'pause'] }),
    });
    controller.start();
    for (const ends of [CRASHES / 3, (2 * CRASHES) / 3]) {
      await watcher.until(() => watcher.ends('crasher') >= ends);
      await controller.kill();
      controller.start();
    }
    await watcher.until(() => watcher.ends('crasher') >= CRASHES && watcher.ends('beside') >= 10);
    // It is quiet when nobody restarts anything any more; what ends then is seen by the next controller.
    await controller.end();
    await expect
      .poll(async () => (await pod.list({ states: ['running'] })).map(({ id }) => id))
      .toEqual(['steady']);
    controller.start();
    await expect
      .poll(() => controller.state().containers['crasher']!.ends, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(watcher.ends('crasher'));
    await controller.end();
    await expect
      .poll(async () => (await pod.list({ states: ['running'] })).map(({ id }) => id))
      .toEqual(['steady']);
    await watcher.catchUp();
    await controller.dealWithTheRest();
    await watcher.catchUp();
    const { containers } = controller.state();
    expect(containers['crasher']).toMatchObject({
      ends: watcher.ends('crasher'),
      oomKills: 0,
      last: 'exit code 3',
    });
    expect(containers['beside']!.ends).toBe(watcher.ends('beside'));
    expect(containers['steady']).toMatchObject({ ends: 0 });
    expect(watcher.ends('steady')).toBe(0);
    expect(watcher.ends('crasher')).toBeGreaterThanOrEqual(CRASHES);
    // Each end is said, in order; a killed controller may not have said its last one, or the next says it again.
    expect(watcher.gaps).toBe(0);
    await watcher.end();
  });

  test('tells of kills for memory, and does not try a bad command again', async ({ ground }) => {
    const pod = await startPod(ground);
    const controller = new Controller(
      ground,
      {
        greedy: ground.bundle('greedy', {
          args: ['workload', 'allocate', String(4 * MEMORY)],
          memory: MEMORY,
        }),
        missing: ground.bundle('missing', { args: ['no-such-command'] }),
      },
      { delayMs: 20 },
    );
    controller.start();
    await expect.poll(() => controller.state().containers['greedy']?.ends ?? 0).toBeGreaterThanOrEqual(2);
    await expect.poll(() => controller.state().containers['missing']?.givenUp).toContain('COMMAND_NOT_FOUND');
    expect(await controller.end()).toBe(0);
    const { greedy, missing } = controller.state().containers;
    expect(greedy).toMatchObject({ last: 'killed for memory' });
    expect(greedy!.oomKills).toBe(greedy!.ends);
    expect(missing).toMatchObject({ ends: 0 });
    const tries = controller.said.split('\n').filter((line) => line.startsWith('missing '));
    expect(tries).toEqual([expect.stringContaining('is given up')]);
    // A new controller knows.
    controller.start();
    await controller.untilSaid(/watching from/);
    await controller.end();
    expect(controller.said).not.toContain('missing');
    for (const { id } of await pod.list()) await (await pod.get(id)).delete({ force: true });
  });
});

/** The example in a process of its own. */
class Controller {
  /** What the present one has said. */
  said = '';
  readonly #ground: Ground;
  readonly #script: string;
  readonly #config: string;
  #child: ChildProcess | null = null;

  constructor(ground: Ground, bundles: Record<string, string>, options: Record<string, number> = {}) {
    this.#ground = ground;
    const folder = ground.path('controller');
    mkdirSync(folder);
    this.#config = join(folder, 'config.json');
    const containers = Object.entries(bundles).map(([id, bundle]) => ({ id, bundle }));
    const times = { delayMs: 1, maxDelayMs: 50, healthyMs: 10_000, ...options };
    const runtimeDir = ground.path('run');
    const config = { runtimeDir, stateFile: join(folder, 'state.json'), containers, ...times };
    writeFileSync(this.#config, JSON.stringify(config));
    this.#script = join(folder, 'restart-controller.mjs');
    const source = readFileSync(join(repository, 'examples/restart-controller.ts'), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    const entry = JSON.stringify(join(repository, 'ts/client/dist/index.js'));
    writeFileSync(this.#script, outputText.replaceAll("'@podherd/client'", entry));
    ground.onEnd(() => void this.#child?.kill('SIGKILL'));
  }

  start(): void {
    this.said = '';
    const child = spawn(process.execPath, [this.#script, this.#config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.#child = child;
  }

  /** Kill it, wherever it is. */
  async kill(): Promise<void> {
    expect(await this.#ended('SIGKILL'), this.said).toBeNull();
  }

  /** End it as a service manager does. */
  async end(): Promise<number | null> {
    await this.untilSaid(/watching from/);
    const code = await this.#ended('SIGTERM');
    expect(code, this.said).toBe(0);
    return code;
  }

  /** Have one see what is left, without anything to restart: its containers are deleted. */
  async dealWithTheRest(): Promise<void> {
    const pod = await Pod.connect({ runtimeDir: this.#ground.path('run') });
    const { sequence } = (await pod.snapshot()).position;
    const config = JSON.parse(readFileSync(this.#config, 'utf8')) as object;
    // It would restart them within this time otherwise.
    writeFileSync(this.#config, JSON.stringify({ ...config, delayMs: 600_000, maxDelayMs: 600_000 }));
    this.start();
    await expect.poll(() => BigInt(this.state().position.split(':')[1]!)).toBeGreaterThanOrEqual(sequence);
    await this.end();
    await pod.close();
  }

  state(): State {
    try {
      return JSON.parse(readFileSync(join(this.#config, '../state.json'), 'utf8')) as State;
    } catch (error) {
      // It has not stored anything yet. Half a file would be an error.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { position: ':0', containers: {} };
    }
  }

  async untilSaid(words: RegExp): Promise<void> {
    await expect.poll(() => this.said, { timeout: 20_000 }).toMatch(words);
  }

  async #ended(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode !== null) throw new Error(`it ended by itself: ${this.said}`);
    const closed = once(child, 'close') as Promise<[number | null]>;
    child.kill(signal);
    return (await closed)[0];
  }
}

/** A second watcher, which is never interrupted. */
class Watcher {
  gaps = 0;
  readonly #pod: Pod;
  readonly #events;
  readonly #ends = new Map<string, number>();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};

  constructor(pod: Pod) {
    this.#pod = pod;
    this.#events = pod.events();
    this.#running = this.#run();
  }

  ready(): Promise<void> {
    return this.#events.ready();
  }

  ends(id: string): number {
    return this.#ends.get(id) ?? 0;
  }

  async until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Until it has seen all that has happened by now. */
  async catchUp(): Promise<void> {
    const { sequence } = (await this.#pod.snapshot()).position;
    await this.until(() => this.#events.position.sequence >= sequence);
  }

  async end(): Promise<void> {
    await this.#events.return();
    await this.#running;
  }

  async #run(): Promise<void> {
    for await (const event of this.#events) this.#take(event);
  }

  #take(event: PodEvent): void {
    if (event.type === 'gap') this.gaps += 1;
    else if (event.type === 'exited') this.#ends.set(event.containerId, this.ends(event.containerId) + 1);
    this.#wake();
  }
}
