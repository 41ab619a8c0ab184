/** Readers and writers of different age: nothing that both know is lost, and nothing throws. */

import { describe, expect, test } from 'vitest';

import { decodeMessage, encodeMessage, isUnknown } from '../../client/src/capnp/index.js';
import { encodeText } from './capnp-tool.js';
import * as newer from './generated/newer.js';
import * as older from './generated/older.js';

const OLD_TEXT = `(id = 1, name = "n", level = high, entries = [(id = 1, note = "a"), (id = 2), ()],
  entry = (note = "e"), count = 5, numbers = [7, 8], texts = ["t", ""])`;
const OLD_VALUE = {
  id: 1,
  name: 'n',
  level: 'high',
  entries: [{ id: 1, note: 'a' }, { id: 2 }, {}],
  entry: { note: 'e' },
  which: 'count',
  count: 5,
  numbers: [7, 8],
  texts: ['t', ''],
} as const;

const NEW_TEXT = `(id = 1, name = "n", level = highest,
  entries = [(id = 1, note = "a", size = 3, more = 4, tags = ["x"], sub = (id = 6)), (id = 2)],
  entry = (note = "e", more = 1), reason = "r", numbers = [(value = 7, unit = "u"), ()],
  texts = [(value = "t", length = 1), ()], added = 5, comment = "c")`;
const NEW_VALUE = {
  id: 1,
  name: 'n',
  level: 'highest',
  entries: [{ id: 1, note: 'a', size: 3, more: 4, tags: ['x'], sub: { id: 6 } }, { id: 2 }],
  entry: { note: 'e', more: 1 },
  which: 'reason',
  reason: 'r',
  numbers: [{ value: 7, unit: 'u' }, {}],
  texts: [{ value: 't', length: 1 }, {}],
  added: 5,
  comment: 'c',
} as const;

const added = { size: 9n, more: 0n, tags: [], sub: undefined };

describe.each([
  ['the tool', encodeText('older.capnp', 'Record', OLD_TEXT)],
  ['the tool, in tiny segments', encodeText('older.capnp', 'Record', OLD_TEXT, 1)],
  ['us', encodeMessage(older.Record, OLD_VALUE)],
])('an old message, written by %s', (_, message) => {
  test('has the defaults of what was added', () => {
    const before = Uint8Array.from(message);
    expect(decodeMessage(newer.Record, message)).toStrictEqual({
      id: 1,
      name: 'n',
      level: 'high',
      entries: [
        { id: 1, note: 'a', ...added },
        { id: 2, note: '', ...added },
        { id: 0, note: '', ...added },
      ],
      entry: { id: 0, note: 'e', ...added },
      which: 'count',
      count: 5,
      numbers: [
        { value: 7, unit: '' },
        { value: 8, unit: '' },
      ],
      texts: [
        { value: 't', length: 0 },
        { value: '', length: 0 },
      ],
      added: 77n,
      comment: 'no comment',
    });
    // Reading must not change a message: the connection still owns it.
    expect(Uint8Array.from(message)).toEqual(before);
  });
});

describe.each([
  ['the tool', encodeText('newer.capnp', 'Record', NEW_TEXT)],
  ['the tool, in tiny segments', encodeText('newer.capnp', 'Record', NEW_TEXT, 1)],
  ['us', encodeMessage(newer.Record, NEW_VALUE)],
])('a new message, written by %s', (_, message) => {
  test('is read by an old reader, which says what it has no name for', () => {
    const record = decodeMessage(older.Record, message);
    expect(record).toStrictEqual({
      id: 1,
      name: 'n',
      level: 'unknown(2)',
      entries: [
        { id: 1, note: 'a' },
        { id: 2, note: '' },
      ],
      entry: { id: 0, note: 'e' },
      which: 'unknown(2)',
      numbers: [7, 0],
      texts: ['t', ''],
    });
    expect(isUnknown(record.level)).toBe(true);
    expect(isUnknown(record.which)).toBe(true);
    expect(isUnknown('high')).toBe(false);
  });
});

test('a `which` narrows, unknown ones included', () => {
  const describeRecord = (record: older.Record): string => {
    switch (record.which) {
      case 'count':
        return `count ${record.count.toFixed()}`;
      case 'none':
        return 'none';
      default: {
        const unknown: `unknown(${number})` = record.which;
        return unknown;
      }
    }
  };
  expect(describeRecord(decodeMessage(older.Record, encodeMessage(older.Record, OLD_VALUE)))).toBe('count 5');
  expect(describeRecord(decodeMessage(older.Record, encodeMessage(newer.Record, NEW_VALUE)))).toBe(
    'unknown(2)',
  );
});

test('an enum lists its names in the order of their ordinals', () => {
  expect(newer.Level.names).toEqual(['low', 'high', 'highest']);
});
