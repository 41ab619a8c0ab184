import type { ContainerStats, PodStats } from '@podherd/client';
import { expect, test } from 'vitest';
import { RateMeter } from '../../src/stats/rates.js';

function stats(id: string, cpuMs: number, logBytes: number): ContainerStats {
  return {
    id,
    cpu: { usageMs: cpuMs },
    io: { readBytes: 0, writeBytes: 0 },
    log: { bytes: logBytes },
  } as ContainerStats;
}

const look = (...containers: ContainerStats[]): PodStats => ({ containers }) as PodStats;

test('rates are between two looks', () => {
  const meter = new RateMeter();
  expect(meter.take(look(stats('a', 100, 0)), 0).size).toBe(0);
  const rates = meter.take(look(stats('a', 1_100, 4_096), stats('b', 5, 5)), 2_000);
  expect(rates.get('a')).toMatchObject({ cpus: 0.5, logBytes: 2_048 });
  expect(rates.has('b')).toBe(false);
});

test('an id that was given to another container does nothing negative', () => {
  const meter = new RateMeter();
  meter.take(look(stats('a', 1_000, 1_000)), 0);
  expect(meter.take(look(stats('a', 10, 10)), 1_000).get('a')).toMatchObject({ cpus: 0, logBytes: 0 });
});
