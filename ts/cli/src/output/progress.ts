import type { Output } from './output.js';
import { duration } from './units.js';

/** Milliseconds before progress is shown at all: what is quicker needs none. */
const PATIENCE_MS = 400;
/** Milliseconds between two looks of the line. */
const STEP_MS = 500;

/**
 * Show on standard error, where that is a terminal, that `work` still goes on, and for how long. The line is
 * gone when it ends.
 */
export async function withProgress<T>(output: Output, what: string, work: Promise<T>): Promise<T> {
  if (output.stderr.isTTY !== true || output.json) return work;
  const began = performance.now();
  let shown = false;
  const show = (): void => {
    const line = `${what} … ${duration(performance.now() - began)}`;
    output.stderr.write(`\r\x1b[K${output.paintNote('dim', line)}`);
    shown = true;
  };
  let step: NodeJS.Timeout | undefined;
  const start = setTimeout(() => {
    show();
    step = setInterval(show, STEP_MS);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(start);
    clearInterval(step);
    if (shown) output.stderr.write('\r\x1b[K');
  }
}
