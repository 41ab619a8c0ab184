import { expect, test } from 'vitest';
import { delayBefore, reconnectPolicy } from '../../src/link/reconnect.js';

test('the delay doubles up to its limit, and is never longer', () => {
  const policy = reconnectPolicy({ delayMs: 10, maxDelayMs: 100 }, false)!;
  const highest = (attempt: number): number =>
    Math.max(...Array.from({ length: 200 }, () => delayBefore(attempt, policy)));
  const lowest = (attempt: number): number =>
    Math.min(...Array.from({ length: 200 }, () => delayBefore(attempt, policy)));
  for (const [attempt, delay] of [10, 20, 40, 80, 100, 100].entries()) {
    expect(highest(attempt)).toBeLessThanOrEqual(delay);
    expect(lowest(attempt)).toBeGreaterThanOrEqual(delay * 0.8);
  }
});

test('what is asked for, and what holds by default', () => {
  expect(reconnectPolicy(undefined, false)).toBeNull();
  expect(reconnectPolicy(false, true)).toBeNull();
  expect(reconnectPolicy(undefined, true)).toEqual(reconnectPolicy(true, false));
  expect(reconnectPolicy({ attempts: 1 }, false)).toMatchObject({ attempts: 1, delayMs: 50 });
  for (const attempts of [-1, NaN]) {
    expect(() => reconnectPolicy({ attempts }, true)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  }
});
