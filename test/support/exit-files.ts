import { mkdirSync, readFileSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

import { HANG_MS, within } from './until.js';

/** What was in an exit file at the moment when its name showed. */
export interface Appearance {
  name: string;
  text: string;
}

/**
 * A directory of exit files, watched with inotify as CRI-O does it: each file is read in the event that announces
 * its name, so that one which shows before it is complete is caught.
 */
export class ExitFiles {
  readonly directory: string;
  readonly #watcher: FSWatcher;
  /** Called when a name shows, after it was read. */
  onShown: ((name: string) => void) | undefined;
  readonly #seen = new Map<string, string>();
  readonly #waiting = new Map<string, () => void>();

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    this.#watcher = watch(directory, (_event, name) => {
      if (name !== null) this.#look(name);
    });
  }

  path(id: string): string {
    return join(this.directory, id);
  }

  /** Every name that ever showed, with what was first read under it. */
  get appearances(): Appearance[] {
    return [...this.#seen].map(([name, text]) => ({ name, text }));
  }

  /** The code in the container's exit file, once it is there. */
  async code(id: string, limitMs = HANG_MS): Promise<number> {
    // The watch has been on since before the container was: only an overflow of inotify's queue loses a name.
    if (readdirSync(this.directory).includes(id)) this.#look(id);
    if (!this.#seen.has(id)) {
      const shown = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
      await within(`exit file of ${id}`, shown, limitMs);
    }
    const text = this.#seen.get(id) ?? '';
    if (!/^\d+$/.test(text)) throw new Error(`exit file of ${id} showed with ${JSON.stringify(text)} in it`);
    return Number(text);
  }

  close(): void {
    this.#watcher.close();
  }

  #look(name: string): void {
    if (this.#seen.has(name)) return;
    try {
      this.#seen.set(name, readFileSync(join(this.directory, name), 'utf8'));
    } catch {
      return; // Renamed or removed again: an event of a name that is no more.
    }
    this.onShown?.(name);
    this.#waiting.get(name)?.();
    this.#waiting.delete(name);
  }
}
