import { expect, test } from 'vitest';
import { plain } from '../src/output/colour.js';
import { widthOf } from '../src/output/text.js';
import type { Look } from '../src/top/look.js';
import { topLines } from '../src/top/view.js';

/** A look at so many containers that run, and so many that have ended. */
function look(running: number, ended: number): Look {
  const ids = (count: number, name: string): string[] =>
    Array.from({ length: count }, (_, at) => `${name}-${at}`);
  const started = { date: new Date(0), unixNanoseconds: 0n };
  const status = { pid: 1, startedAt: started, createdAt: started, labels: {} };
  const exit = { known: true, exitCode: 3, signal: null, logComplete: true, exitedAt: started };
  return {
    server: {
      version: '1.2.3',
      processId: 7,
      runtimeDir: '/run/pod',
      runtimeName: 'runc',
      runtimeVersion: '1.1',
    },
    containers: [
      ...ids(running, 'web').map((id) => ({ ...status, id, state: 'running', exit: null })),
      ...ids(ended, 'job').map((id) => ({ ...status, id, state: 'exited', exit })),
    ],
    stats: {
      containers: ids(running, 'web').map((id) => ({
        id,
        memory: { workingSetBytes: 2_048, limitBytes: null },
        pids: { current: 2 },
      })),
      server: { execs: 0, residentBytes: 1_048_576, descriptors: 9, connections: 1 },
    },
    reaper: { spawned: 5n, reaped: 4n, orphans: 1n, zombiesNow: 0, longestZombieNanos: 1_500_000n },
    rates: new Map([['web-1', { cpus: 0.5, logBytes: 1_024, readBytes: 0, writtenBytes: 0 }]]),
    serverCpus: 0.01,
    at: new Date(60_000),
  } as unknown as Look;
}

test('what is busiest stands first, and ends are at the bottom', () => {
  const lines = topLines(look(3, 2), { width: 80, height: 24, paint: plain });
  const row = lines.findIndex((line) => line.startsWith('ID'));
  expect(lines[row + 1]).toMatch(/^web-1 +running +50\.0% +2\.0 KiB +- +2 +1\.0 KiB\/s +1 +1m/);
  expect(lines[row + 2]).toMatch(/^web-0 /);
  expect(lines.slice(-2)).toEqual(['job-0  exit 3  1m ago', 'job-1  exit 3  1m ago']);
  expect(lines.join('\n')).toContain('reaper: 5 spawned, 4 reaped, 1 orphans, 0 zombies, longest 1.5 ms');
});

test.each([
  [80, 24],
  [40, 10],
  [20, 5],
  [200, 60],
])('it fits into %i by %i', (width, height) => {
  for (const [running, ended] of [
    [0, 0],
    [100, 0],
    [100, 100],
    [1, 100],
  ] as const) {
    const lines = topLines(look(running, ended), { width, height, paint: plain });
    expect(lines.length).toBeLessThanOrEqual(height);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
  }
});

test('what is not shown is said', () => {
  const lines = topLines(look(100, 0), { width: 80, height: 24, paint: plain });
  expect(lines.at(-1)).toMatch(/^… and 8\d more$/);
});

test('all is shown where there is no screen', () => {
  const lines = topLines(look(100, 1), { width: null, height: null, paint: plain });
  expect(lines.filter((line) => line.startsWith('web-'))).toHaveLength(100);
});
