import { expect, test } from 'vitest';
import { DetachKeys, parseDetachKeys } from '../../src/terminal/detach-keys.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Types chunks, and gives what came through, with `|` where the keys were found. */
function typed(keys: string, ...chunks: string[]): string {
  const detachKeys = new DetachKeys(parseDetachKeys(keys));
  let through = '';
  for (const chunk of chunks) {
    const { input, detach } = detachKeys.take(bytes(chunk));
    through += new TextDecoder().decode(input);
    if (detach) return `${through}|`;
  }
  return through;
}

test('keys by name', () => {
  expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
  expect([...parseDetachKeys('ctrl-],a')]).toEqual([29, 97]);
  expect([...parseDetachKeys('ctrl-@,CTRL-A')]).toEqual([0, 1]);
  expect(parseDetachKeys('').length).toBe(0);
  for (const wrong of ['ctrl-', 'alt-a', 'ctrl-1', 'ctrl-p,,ctrl-q', 'ä'])
    expect(() => parseDetachKeys(wrong)).toThrow(/no key to detach with/);
});

test('all other input comes through', () => {
  expect(typed('ctrl-p,ctrl-q', 'ls -la\r')).toBe('ls -la\r');
  expect(typed('', '\x10\x11')).toBe('\x10\x11');
});

test('the keys are found, also in pieces, and what comes after them does not come through', () => {
  expect(typed('ctrl-p,ctrl-q', 'a\x10\x11b')).toBe('a|');
  expect(typed('ctrl-p,ctrl-q', 'a\x10', '\x11')).toBe('a|');
});

test('a beginning of the keys that is none after all comes through', () => {
  expect(typed('ctrl-p,ctrl-q', '\x10', 'x')).toBe('\x10x');
  expect(typed('ctrl-p,ctrl-q', '\x10\x10\x11')).toBe('\x10|');
  // Half of it may be the beginning of another.
  expect(typed('a,a,b', 'aaab')).toBe('a|');
  expect(typed('a,b,a,c', 'ababac')).toBe('ab|');
  expect(typed('a,b,a,c', 'abax')).toBe('abax');
});

test('what might be a beginning is held back until it is known', () => {
  const detachKeys = new DetachKeys(parseDetachKeys('ctrl-p,ctrl-q'));
  expect(detachKeys.take(bytes('a\x10')).input).toEqual(bytes('a'));
  expect(detachKeys.take(bytes('b')).input).toEqual(bytes('\x10b'));
});
