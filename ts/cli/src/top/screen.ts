import type { WriteStream } from 'node:tty';
import { restoring } from '../terminal/restore.js';

/** Of xterm and all that follow it: the alternate screen, the cursor. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** A screen that is drawn in place; what was on the terminal before comes back at its end. */
export class Screen {
  readonly #terminal: WriteStream;
  readonly #leave: () => void;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
    terminal.write(ENTER);
    this.#leave = restoring(() => terminal.write(LEAVE));
  }

  get size(): { width: number; height: number } {
    const { columns, rows } = this.#terminal;
    return { width: columns > 0 ? columns : 80, height: rows > 0 ? rows : 24 };
  }

  /** Draw these lines in one write, over what is there: nothing flickers. */
  draw(lines: readonly string[]): void {
    this.#terminal.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  /** Give the terminal back. May be called again. */
  leave(): void {
    this.#leave();
  }
}
