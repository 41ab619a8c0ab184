import type { PodEvent } from '@podherd/client';
import { expect, test } from 'vitest';
import { parseFilters, passes } from '../../src/events/filter.js';

const event = (type: 'started' | 'deleted', containerId: string): PodEvent => ({
  type,
  containerId,
  sequence: 1n,
  instance: 'i',
  at: { date: new Date(0), unixNanoseconds: 0n },
});

test('of one key one value has to fit, of several keys all', () => {
  const filter = parseFilters(['type=started', 'container=a', 'container=b']);
  expect(passes(filter, event('started', 'a'))).toBe(true);
  expect(passes(filter, event('started', 'b'))).toBe(true);
  expect(passes(filter, event('started', 'c'))).toBe(false);
  expect(passes(filter, event('deleted', 'a'))).toBe(false);
  expect(passes(parseFilters([]), event('deleted', 'x'))).toBe(true);
});

test('a gap is always said', () => {
  expect(
    passes(parseFilters(['type=exited']), { type: 'gap', lost: 1n, instance: 'i', reason: 'behind' }),
  ).toBe(true);
});

test('a wrong filter is refused, and says what there is', () => {
  for (const wrong of ['type=nope', 'colour=red', 'exited', 'type='])
    expect(() => parseFilters([wrong])).toThrow(/no filter of events/);
});
