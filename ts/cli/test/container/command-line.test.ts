import { expect, test } from 'vitest';
import { commandWords } from '../../src/container/command-line.js';

test('a command with or without -- before it', () => {
  expect(commandWords(['--', 'ls', '-l'], '')).toEqual(['ls', '-l']);
  expect(commandWords(['ls', '-l', '--', 'x'], '')).toEqual(['ls', '-l', '--', 'x']);
});

test('an option in the wrong place is said', () => {
  expect(() => commandWords(['--rm', '--', 'ls'], 'usage')).toThrow(/--rm stands behind/);
  expect(() => commandWords([], 'usage')).toThrow(/which command/);
  expect(() => commandWords(['--'], 'usage')).toThrow(/which command/);
});
