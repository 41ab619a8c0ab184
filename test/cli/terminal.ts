import { type IPty, spawn } from '@lydell/node-pty';
import { until } from '../support/until.js';
import { podctlCommand } from './podctl.js';

/** A program in a pseudo-terminal, and all that it has shown. */
export class Terminal {
  readonly #pty: IPty;
  #shown = '';
  readonly ended: Promise<number>;

  /** A command of the shell, in which `podctl` is podctl. */
  static shell(command: string, env: Record<string, string>): Terminal {
    const [node, script] = podctlCommand;
    return new Terminal(
      ['/bin/sh', '-c', `podctl() { '${node}' '${script}' "$@"; }\n${command}`],
      env,
      80,
      24,
    );
  }

  /** podctl alone. */
  static podctl(args: readonly string[], env: Record<string, string>, columns = 80, rows = 24): Terminal {
    return new Terminal([...podctlCommand, ...args], env, columns, rows);
  }

  private constructor(
    [file = '', ...args]: readonly string[],
    env: Record<string, string>,
    cols: number,
    rows: number,
  ) {
    this.#pty = spawn(file, [...args], { name: env['TERM'] ?? 'xterm-256color', cols, rows, env });
    this.#pty.onData((text) => (this.#shown += text));
    this.ended = new Promise((resolve) =>
      this.#pty.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode)),
    );
  }

  get shown(): string {
    return this.#shown;
  }

  /** Forget what was shown up to now. */
  clear(): void {
    this.#shown = '';
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Wait until something that fits is shown. */
  async shows(wanted: RegExp): Promise<void> {
    await until(`${wanted} is shown`, () => wanted.test(this.#shown) || undefined).catch((error: unknown) => {
      throw new Error(`${String(error)}; shown: ${JSON.stringify(this.#shown.slice(-2_000))}`);
    });
  }

  /** End whatever is in it. */
  kill(): void {
    try {
      this.#pty.kill('SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
