import { expect, test } from 'vitest';
import { signalName, signalNumber } from '../src/signals.js';

test('names become numbers and numbers names', () => {
  expect(signalNumber('SIGKILL')).toBe(9);
  expect(signalNumber('SIGTERM')).toBe(15);
  expect(signalNumber(34)).toBe(34);
  expect(signalName(9)).toBe('SIGKILL');
  expect(signalName(6)).toBe('SIGABRT');
  expect(signalName(17)).toBe('SIGCHLD');
  expect(signalName(34)).toBe('SIG34');
});

test.each([0, -1, 65, 1.5, Number.NaN, 'KILL', 'SIGNOTHING', 'toString', ''])('%j is no signal', (signal) => {
  expect(() => signalNumber(signal as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
