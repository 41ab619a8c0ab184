import { expect, test } from 'vitest';
import { momentOf, nanosecondsOf } from '../../src/logs/moment.js';
import { parseRecord } from '../../src/logs/parse.js';
import { LineJoiner } from '../../src/logs/join.js';

const parsed = (line: string) => {
  const record = parseRecord(Buffer.from(line));
  if (record === null) return null;
  const { stream, text, partial, timestamp } = record;
  return [timestamp.unixNanoseconds, stream, text, partial];
};

test('records of a CRI log', () => {
  expect(parsed('2026-11-25T01:02:03.000000042Z stdout F a line\n')).toEqual([
    1_795_568_523_000_000_042n,
    'stdout',
    'a line\n',
    false,
  ]);
  // Zones other than UTC, tags beyond the first, spaces and nothing at all in the content.
  expect(parsed('2026-11-25T02:02:03.5+01:00 stderr P:x  two  \n')).toEqual([
    1_795_568_523_500_000_000n,
    'stderr',
    ' two  ',
    true,
  ]);
  expect(parsed('2026-11-25T01:02:03Z stdout F \n')?.[2]).toBe('\n');
});

test('records of a JSON log, with and without what ours adds', () => {
  const exact =
    '{"timestamp":1700000000,"timestampNanos":"1700000000000000042","pipe":"stdout","message":"text"}\n';
  expect(parsed(exact)).toEqual([1_700_000_000_000_000_042n, 'stdout', 'text\n', false]);
  const upstream = '{"timestamp":1700000000,"pipe":"stderr","message":"text"}\n';
  expect(parsed(upstream)).toEqual([1_700_000_000_000_000_000n, 'stderr', 'text\n', false]);
  const bytes = '{"timestamp":1,"pipe":"stdout","messageBase64":"/w==","partial":true}\n';
  expect([...parseRecord(Buffer.from(bytes))!.data]).toEqual([0xff]);
});

test.each([
  '\n',
  'no record\n',
  '2026-11-25T01:02:03Z stdin F x\n',
  'yesterday stdout F x\n',
  '{"pipe":"stdout"}\n',
  '{broken\n',
])('%j is no record', (line) => expect(parsed(line)).toBeNull());

test('moments', () => {
  expect(nanosecondsOf('1970-01-01T00:00:01.000000001Z')).toBe(1_000_000_001n);
  expect(momentOf('since', '1970-01-01T01:00:01.123456789+01:00')).toBe(1_123_456_789n);
  expect(momentOf('since', 1.5)).toBe(1_500_000n);
  expect(momentOf('since', new Date(7))).toBe(7_000_000n);
  for (const wrong of ['soon', NaN, new Date('x')]) {
    expect(() => momentOf('since', wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
});

test('pieces become lines, each stream for itself', () => {
  const joiner = new LineJoiner();
  const add = (line: string): string | undefined =>
    joiner.add(parseRecord(Buffer.from(`2026-11-25T01:02:03Z ${line}\n`))!)?.text;
  expect(add('stdout P one ')).toBeUndefined();
  expect(add('stderr F other')).toBe('other\n');
  expect(add('stdout P two ')).toBeUndefined();
  expect(add('stdout F three')).toBe('one two three\n');
  expect(add('stderr P torn')).toBeUndefined();
  expect([...joiner.rest()].map(({ text, partial }) => [text, partial])).toEqual([['torn', true]]);
});
