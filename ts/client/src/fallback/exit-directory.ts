import { existsSync, type FSWatcher, watch } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExitState, unknownExit } from '../exit-state.js';
import { timestampOf } from '../timestamp.js';

const EXIT_FILE = 'exit';
const OOM_FILE = 'oom';

/**
 * A directory for one container's exit files, watched for their appearance. The server writes the files;
 * whoever made this removes it with `dispose`.
 */
export class ExitDirectory {
  readonly path: string;
  readonly #watcher: FSWatcher;
  #exit: ExitState | null = null;
  readonly #waiters = new Set<(exit: ExitState) => void>();

  /** Make and watch a directory in `parent`. The watch begins before any file can be written. */
  static async make(parent: string): Promise<ExitDirectory> {
    return new ExitDirectory(await mkdtemp(join(parent, 'client-exit-')));
  }

  private constructor(path: string) {
    this.path = path;
    this.#watcher = watch(path, { persistent: false });
    this.#watcher.on('change', () => void this.#look());
    this.#watcher.on('error', () => {});
  }

  get exitPath(): string {
    return join(this.path, EXIT_FILE);
  }

  get oomPath(): string {
    return join(this.path, OOM_FILE);
  }

  /** How the container ended, or null while it has not. */
  get exit(): ExitState | null {
    return this.#exit;
  }

  /** Be told of the end, until the returned function is called. Told at once when it has ended already. */
  onExit(listener: (exit: ExitState) => void): () => void {
    if (this.#exit !== null) listener(this.#exit);
    else this.#waiters.add(listener);
    return () => this.#waiters.delete(listener);
  }

  /** Resolves when the end is known, or after so many milliseconds. */
  appears(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.onExit(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Whoever still waits is told that the end is not known. */
  async dispose(): Promise<void> {
    this.#watcher.close();
    for (const waiter of this.#waiters) waiter(unknownExit('status-unavailable'));
    this.#waiters.clear();
    await rm(this.path, { recursive: true, force: true });
  }

  async #look(): Promise<void> {
    const text = await readFile(this.exitPath, 'utf8').catch(() => '');
    // Not every server writes a file in one piece: until it is a number, another event will come.
    if (this.#exit !== null || !/^-?\d+$/.test(text.trim())) return;
    const written = await stat(this.exitPath).catch(() => null);
    if (this.#exit !== null) return;
    const exit: ExitState = {
      known: true,
      reason: null,
      // The file has 128 + n for signal n, which an exit code can be as well: the number stays what it is.
      exitCode: Number(text.trim()),
      signal: null,
      coreDumped: false,
      oomKilled: existsSync(this.oomPath),
      logComplete: true,
      journaled: false,
      exitedAt: timestampOf(written?.mtime ?? new Date()),
    };
    this.#exit = exit;
    for (const waiter of this.#waiters) waiter(exit);
    this.#waiters.clear();
  }
}
