import { expect, test } from 'vitest';
import { filterToWire, passes } from '../src/list-options.js';
import type { ContainerStatus } from '../src/status.js';

const web = { state: 'running', labels: { app: 'web', tier: '' } } as unknown as ContainerStatus;

test('a filter passes what has all that it asks for', () => {
  expect(passes({}, web)).toBe(true);
  expect(passes({ states: [] }, web)).toBe(true);
  expect(passes({ states: ['created', 'running'], labels: { app: 'web', tier: true } }, web)).toBe(true);
  expect(passes({ states: ['exited'] }, web)).toBe(false);
  expect(passes({ labels: { app: 'db' } }, web)).toBe(false);
  expect(passes({ labels: { hasOwnProperty: true as never } }, web)).toBe(false);
});

test('a filter on the wire', () => {
  expect(filterToWire({ states: ['exited'], labels: { app: 'web', tier: true } })).toEqual({
    states: ['exited'],
    labels: [
      { key: 'app', which: 'value', value: 'web' },
      { key: 'tier', which: 'exists' },
    ],
  });
});
