import { type ExitState, PodherdError } from '@podherd/client';
import { expect, test } from 'vitest';
import { Failure, tell, UsageFailure } from '../src/failure.js';
import { exitCodeOf } from '../src/passed-code.js';

const end: ExitState = {
  known: true,
  reason: null,
  exitCode: 0,
  signal: null,
  coreDumped: false,
  oomKilled: false,
  logComplete: true,
  journaled: true,
  exitedAt: null,
};

test("a process's end as an exit code", () => {
  expect(exitCodeOf(end)).toBe(0);
  expect(exitCodeOf({ ...end, exitCode: 42 })).toBe(42);
  expect(exitCodeOf({ ...end, exitCode: null, signal: 'SIGKILL' })).toBe(137);
  expect(exitCodeOf({ ...end, exitCode: null, signal: 'SIG34' })).toBe(162);
  expect(exitCodeOf({ ...end, known: false, exitCode: null, reason: 'ended-unwatched' })).toBe(125);
});

test('an error is one line with its code, and a hint where there is one', () => {
  const error = new PodherdError('ID_IN_USE', 'container web exists\nand lives');
  expect(tell(error, 'plain')).toEqual({
    lines: [
      'podctl: ID_IN_USE: container web exists; and lives',
      'hint: choose another --name, or `podctl rm ID` first',
    ],
    exitCode: 1,
  });
  expect(tell(new PodherdError('SERVER_ERROR', 'odd', { outcomeUnknown: true }), 'plain').lines).toEqual([
    'podctl: SERVER_ERROR: odd (it may have been done all the same)',
  ]);
  expect(tell(new Error('of a bug'), 'plain').lines).toEqual(['podctl: INTERNAL: of a bug']);
  expect(tell('thrown', 'plain').lines).toEqual(['podctl: INTERNAL: thrown']);
});

test('commands that pass a code on have codes of their own for their failures', () => {
  expect(tell(new PodherdError('COMMAND_NOT_FOUND', ''), 'passing').exitCode).toBe(127);
  expect(tell(new PodherdError('COMMAND_NOT_EXECUTABLE', ''), 'passing').exitCode).toBe(126);
  expect(tell(new PodherdError('CONNECTION_CLOSED', ''), 'passing').exitCode).toBe(125);
  expect(tell(new UsageFailure(''), 'passing').exitCode).toBe(125);
  expect(tell(new PodherdError('COMMAND_NOT_FOUND', ''), 'plain').exitCode).toBe(1);
  expect(tell(new UsageFailure(''), 'plain').exitCode).toBe(2);
  expect(tell(new Failure('TIMEOUT', '', { exitCode: 124 }), 'passing').exitCode).toBe(124);
});
