import { expect, test } from 'vitest';
import { wantsColour } from '../../src/output/colour.js';
import { rfc3339, toJson } from '../../src/output/json.js';
import { age, bytes, duration, percent, rate } from '../../src/output/units.js';

test('JSON has moments, large numbers and bytes in a form that keeps them', () => {
  const at = { date: new Date(0), unixNanoseconds: 1_769_860_800_123_456_789n };
  expect(
    toJson({ at, big: 2n ** 60n, small: 5n, data: new Uint8Array([255]), none: undefined, list: [at] }),
  ).toBe(
    '{"at":"2026-01-31T12:00:00.123456789Z","big":"1152921504606846976","small":5,"data":"/w==","none":null,' +
      '"list":["2026-01-31T12:00:00.123456789Z"]}',
  );
  expect(toJson({ startedAt: { seconds: 1_769_860_800n, nanoseconds: 5 } })).toBe(
    '{"startedAt":"2026-01-31T12:00:00.000000005Z"}',
  );
  expect(rfc3339({ unixNanoseconds: -1n })).toBe('1969-12-31T23:59:59.999999999Z');
});

test('units for people', () => {
  expect([0, 999, 1_000, 1_536, 1_048_576, 250 * 1_048_576].map((count) => bytes(count))).toEqual([
    '0 B',
    '999 B',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 MiB',
    '250 MiB',
  ]);
  expect(bytes(null)).toBe('-');
  expect(rate(2_048)).toBe('2.0 KiB/s');
  expect([0, 999, 1_000, 61_000, 3_600_000, 90_061_000].map(duration)).toEqual([
    '0ms',
    '999ms',
    '1s',
    '1m1s',
    '1h',
    '1d1h',
  ]);
  expect(age(new Date(5_000), 3_000)).toBe('0ms');
  expect(percent(1.5)).toBe('150.0%');
});

test('colours are for terminals that show them, where nobody asked for none', () => {
  const terminal = { isTTY: true };
  expect(wantsColour(terminal, true, {})).toBe(true);
  expect(wantsColour(terminal, true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColour(terminal, true, { NO_COLOR: '0' })).toBe(false);
  expect(wantsColour(terminal, true, { TERM: 'dumb' })).toBe(false);
  expect(wantsColour(terminal, false, {})).toBe(false);
  expect(wantsColour({}, true, {})).toBe(false);
});
