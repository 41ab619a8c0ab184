import type { ReadStream } from 'node:tty';
import { restoring } from './restore.js';

/**
 * Hand every key on as it is typed, Ctrl-C among them, without echo.
 *
 * @returns gives the terminal back as it was; may be called again
 */
export function enterRaw(terminal: ReadStream): () => void {
  if (terminal.isRaw) return () => {};
  terminal.setRawMode(true);
  return restoring(() => {
    try {
      terminal.setRawMode(false);
    } catch {
      // The terminal itself has gone.
    }
  });
}
