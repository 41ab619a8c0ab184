import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks. Nothing tells of the end of a process that is nobody's child here. */
const STEP_MS = 20;
/** Milliseconds from the end of a server's connections to its own: it deletes its last files then. */
const PATIENCE_MS = 10_000;

/** Resolves when a process has ended, or has not within ten seconds. A zombie has ended. */
export async function processEnded(pid: number, signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // proc(5): the state stands behind the name, which is in parentheses.
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (stat === '' || state === 'Z' || state === 'X') return true;
    if (performance.now() > end) return false;
    await sleep(STEP_MS, undefined, { signal });
  }
}
