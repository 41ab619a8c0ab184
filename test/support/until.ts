import { setTimeout as sleep } from 'node:timers/promises';

import { inGuest } from './paths.js';

/** Bound of the waits in which only a hang would show. */
export const HANG_MS = inGuest ? 120_000 : 20_000;

/**
 * Waits until `look` gives something other than `undefined`, and gives that. For things that tell nobody when they
 * happen, such as an entry that leaves /proc.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limitMs = HANG_MS,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`after ${limitMs} ms still waiting until ${what}`);
    await sleep(pause);
  }
}

/** The promise's value, or an error when it takes so long that it must hang. */
export async function within<T>(what: string, promise: Promise<T>, limitMs = HANG_MS): Promise<T> {
  const abort = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: abort.signal }).then(
    () => Promise.reject(new Error(`${what}: no answer in ${limitMs} ms`)),
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, limit]);
  } finally {
    abort.abort();
  }
}

/** Runs `work(0)` … `work(count - 1)`, at most `width` at once; the results in order. */
export async function inParallel<T>(
  count: number,
  width: number,
  work: (n: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) results[n] = await work(n);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return results;
}
