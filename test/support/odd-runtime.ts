import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { fixture } from './paths.js';
import { output } from './run.js';
import { until } from './until.js';

/** One thing that an odd runtime does; test/fixtures/src/odd/plan.rs says what each means. */
export type OddStep =
  | 'call'
  | 'hang'
  | { sleepMs: number }
  | { stderr: string }
  | { also: 'start' | 'delete' }
  | { pidFile: 'missing' | 'stranger' | { text: string } }
  | { orphan: { liveMs?: number | null; holdOutput?: boolean; newSession?: boolean; pidTo?: string } }
  | { touch: string }
  | { waitFor: string }
  | { exit: number }
  | { signal: number };

export interface OddRule {
  subcommand: 'create' | 'start' | 'state' | 'kill' | 'delete' | 'exec' | '--version';
  /** Ids that it holds for; all if not given. */
  ids?: readonly string[];
  steps: readonly OddStep[];
}

/** A runtime that misbehaves by plan in front of a real one. */
export class OddRuntime {
  readonly path: string;
  readonly #folder: string;
  readonly #runtime: string;

  constructor(folder: string, runtime: string, rules: readonly OddRule[]) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#runtime = runtime;
    // Called like the real one: a monitor may go by the name.
    this.path = join(folder, 'odd-runtime');
    try {
      linkSync(fixture('odd-runtime'), this.path);
    } catch {
      copyFileSync(fixture('odd-runtime'), this.path); // Another file system.
    }
    this.setRules(rules);
  }

  /** What it does from now on. */
  setRules(rules: readonly OddRule[]): void {
    writeFileSync(join(this.#folder, 'odd-runtime.json'), JSON.stringify({ runtime: this.#runtime, rules }));
  }

  /** Resolves when the step `touch` of this name was taken. */
  async reached(name: string): Promise<void> {
    await until(`the runtime reaches ${name}`, () => existsSync(join(this.#folder, name)) || undefined);
  }

  /** Makes `reached` wait for the step anew. */
  forget(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }

  /** Pids that orphans wrote under this name. */
  orphans(name: string): number[] {
    const path = join(this.#folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  }

  /** Makes the FIFO that a step `waitFor` opens. */
  async gate(name: string): Promise<void> {
    await output('mkfifo', [join(this.#folder, name)]);
  }

  /** Lets one runtime through that waits, or will wait, at the gate. */
  async open(name: string): Promise<void> {
    await until(`a runtime waits at ${name}`, () => {
      try {
        closeSync(openSync(join(this.#folder, name), constants.O_WRONLY | constants.O_NONBLOCK));
        return true;
      } catch {
        return undefined; // ENXIO: nobody waits yet.
      }
    });
  }
}
