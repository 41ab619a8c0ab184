import { expect, test } from 'vitest';
import { Queue } from '../../src/events/queue.js';

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

test('entries come out in their order, to whoever waited first', async () => {
  const queue = new Queue<number>();
  const early = [queue.take(), queue.take()];
  await queue.put([1, 2, 3]);
  expect(await Promise.all([...early, queue.take()])).toEqual([1, 2, 3]);
});

test('whoever puts waits while it is full, and goes on when it was taken', async () => {
  const queue = new Queue<number>();
  let done = 0;
  const puts = (async () => {
    for (let batch = 0; batch < 4; batch++) {
      await queue.put(numbers(batch * 256, 256));
      done++;
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(1);
  const taken: (number | undefined)[] = [];
  for (let i = 0; i < 1_024; i++) taken.push(await queue.take());
  await puts;
  expect(taken).toEqual(numbers(0, 1_024));
});

test('its end comes after what is in it, unless that is dropped, and lets go of whoever waits', async () => {
  const kept = new Queue<number>();
  await kept.put([1]);
  kept.end(new Error('over'), 'keep');
  expect(await kept.take()).toBe(1);
  await expect(kept.take()).rejects.toThrow('over');

  const dropped = new Queue<number>();
  const full = dropped.put(numbers(0, 1_000));
  dropped.end(undefined, 'drop');
  await full;
  await dropped.put([5]);
  expect(await dropped.take()).toBeUndefined();

  const waiting = new Queue<number>();
  const take = waiting.take();
  waiting.end(undefined, 'keep');
  expect(await take).toBeUndefined();
});
