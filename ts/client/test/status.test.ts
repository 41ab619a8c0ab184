import { expect, test } from 'vitest';
import type * as wire from '../src/generated/podherd.js';
import { statusFromWire } from '../src/status.js';

const EXIT: wire.ExitState = {
  knowledge: 'known',
  exitCode: 0,
  signal: 0,
  coreDumped: false,
  oomKilled: false,
  logComplete: true,
  journaled: true,
  exitedAt: { seconds: 1_700_000_000n, nanoseconds: 123_456_789 },
};

const STATUS: wire.ContainerStatus = {
  id: 'web',
  state: 'exited',
  pid: 0,
  bundlePath: '/bundles/web',
  terminal: false,
  createdAt: { seconds: 0n, nanoseconds: 0 },
  startedAt: undefined,
  exit: EXIT,
  logPaths: [],
  droppedLogBytes: 0n,
  labels: [],
  stopSignal: 0,
  stopGraceMillis: 0n,
  rateLimit: undefined,
  heldBackNanos: 0n,
  execs: 0,
};

test('an exit code and a signal are separate, and times are exact', () => {
  const { exit, createdAt, pid } = statusFromWire(STATUS);
  expect(exit).toMatchObject({ known: true, reason: null, exitCode: 0, signal: null });
  expect(exit?.exitedAt).toEqual({
    date: new Date(1_700_000_000_123),
    unixNanoseconds: 1_700_000_000_123_456_789n,
  });
  expect([createdAt, pid]).toEqual([null, null]);
  expect(statusFromWire({ ...STATUS, exit: { ...EXIT, exitCode: -1, signal: 9 } }).exit).toMatchObject({
    exitCode: null,
    signal: 'SIGKILL',
  });
});

test('an end that nobody saw has neither code nor signal', () => {
  expect(
    statusFromWire({ ...STATUS, exit: { ...EXIT, knowledge: 'endedUnwatched', exitCode: 137 } }).exit,
  ).toMatchObject({
    known: false,
    reason: 'ended-unwatched',
    exitCode: null,
    signal: null,
  });
  // A reason that only a newer server knows is not taken for knowledge.
  expect(statusFromWire({ ...STATUS, exit: { ...EXIT, knowledge: 'unknown(7)' } }).exit?.known).toBe(false);
});

test('a container that lives has no exit state, and a state of a newer server is an error', () => {
  expect(statusFromWire({ ...STATUS, state: 'running', pid: 7 })).toMatchObject({ exit: null, pid: 7 });
  expect(() => statusFromWire({ ...STATUS, state: 'unknown(9)' })).toThrow('unknown(9)');
  expect(() => statusFromWire(undefined)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
});
