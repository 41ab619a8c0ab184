import { expect, test } from 'vitest';
import { formatPosition, parsePosition } from '../../src/index.js';

test('a position survives being text', () => {
  const position = { instance: 'a1b2', sequence: 18_446_744_073_709_551_615n };
  expect(formatPosition(position)).toBe('a1b2:18446744073709551615');
  expect(parsePosition(formatPosition(position))).toEqual(position);
});

test.each(['', 'a', 'a:', ':1', 'a:-1', 'a:1.5', 'a:b:1'])('%j is no position', (text) => {
  expect(() => parsePosition(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
