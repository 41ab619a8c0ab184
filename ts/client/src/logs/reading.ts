import { inodeAt, type LogFile, openAll, writtenBefore } from './files.js';
import type { LogWatcher } from './follow.js';
import { LineReader } from './lines.js';
import type { LogSelection } from './logs.js';
import { findTail } from './tail.js';

/** One way through the files of a log, oldest first, and on over its rotations where it is followed. */
export class LogReading {
  readonly #path: string;
  /** Null: what is there, and no more. */
  readonly #watcher: LogWatcher | null;
  /** Opened and not read to the end, in order. The last one is, or was, the file at the path. */
  #files: LogFile[] = [];
  /** In the first of them. */
  #offset = 0;

  constructor(path: string, watcher: LogWatcher | null) {
    this.#path = path;
    this.#watcher = watcher;
  }

  /** Open the files that have something of what is selected. They stay what they are, whatever is renamed then. */
  async open({ since, tail, includes }: LogSelection): Promise<void> {
    await this.#openAfter(null);
    if (since !== null) {
      const old = await Promise.all(this.#files.map((file) => writtenBefore(file, since)));
      const first = old.indexOf(false);
      await this.#skip(Math.min(first < 0 ? this.#files.length : first, this.#files.length - 1));
    }
    if (tail !== null && this.#files.length > 0) {
      const { file, offset } = await findTail(this.#files, tail, includes);
      await this.#skip(file);
      this.#offset = offset;
    }
  }

  /** All lines from there on, until there are no more. */
  async *lines(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const file = this.#files[0];
      if (file === undefined) {
        if (!(await this.#goesOn(null))) return;
        continue;
      }
      const reader = new LineReader(file.handle, this.#offset);
      this.#offset = 0;
      yield* reader.lines();
      while (this.#files.length === 1 && (await this.#goesOn(file.inode))) yield* reader.lines();
      // What was written to it until the next one was begun.
      yield* reader.lines();
      if (this.#files.length === 1) return;
      await this.#skip(1);
    }
  }

  async close(): Promise<void> {
    await this.#skip(this.#files.length);
  }

  /** Wait for more, in the last file or in the ones after it. False: there won't be any. */
  async #goesOn(inode: bigint | null): Promise<boolean> {
    const watcher = this.#watcher;
    if (watcher === null) return false;
    const ended = watcher.ended;
    const current = await inodeAt(this.#path);
    if (current !== null && current !== inode) {
      await this.#openAfter(inode);
      return this.#files.length > 0;
    }
    if (ended) return false;
    await watcher.stirs();
    return true;
  }

  /** Open what comes after the file with this inode; everything when it is not there. */
  async #openAfter(inode: bigint | null): Promise<void> {
    const found = await openAll(this.#path);
    const known = new Set(this.#files.map((file) => file.inode));
    // Of the files of a log the oldest is removed first: when this one is gone, all others are newer.
    const from = inode === null ? 0 : found.findIndex((file) => file.inode === inode) + 1;
    for (const [index, file] of found.entries()) {
      // A rotation in the middle of the look shows a file under both of its names.
      const wanted = index >= from && !known.has(file.inode);
      known.add(file.inode);
      if (wanted) this.#files.push(file);
      else await file.handle.close();
    }
  }

  async #skip(count: number): Promise<void> {
    for (const { handle } of this.#files.splice(0, count)) await handle.close();
  }
}
