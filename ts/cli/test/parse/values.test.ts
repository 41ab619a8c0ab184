import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/parse/duration.js';
import { parseMoment } from '../../src/parse/moment.js';
import { parseMount, parseVolume } from '../../src/parse/mount.js';
import { parseEnvironment, parseLabel, parseLabelSelector } from '../../src/parse/pairs.js';
import { parseSignal } from '../../src/parse/signal.js';
import { parseRate, parseSize } from '../../src/parse/size.js';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['10', 10_000],
    ['1.5', 1_500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['0', 0],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', 's', '-1s', '1x', '10 s', '1s2', 'ten', '1.s', '.5s'])('not %j', (text) => {
    expect(() => parseDuration(text)).toThrow(/is no duration/);
  });
});

describe('sizes', () => {
  test.each([
    ['512', 512],
    ['64k', 65_536],
    ['64KiB', 65_536],
    ['1.5g', 1_610_612_736],
    ['10MB', 10_485_760],
    ['7b', 7],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'k', '-1k', '1x', '1 2', '99999999t'])('not %j', (text) => {
    expect(() => parseSize(text)).toThrow(/is no size/);
  });

  test('a rate may say that it is one, and is not 0', () => {
    expect(parseRate('64k/s')).toBe(65_536);
    expect(parseRate('1m')).toBe(1_048_576);
    expect(() => parseRate('0/s')).toThrow(/for ever/);
  });
});

describe('signals', () => {
  test.each([
    ['TERM', 15],
    ['sigkill', 9],
    ['2', 2],
    ['SIG34', 34],
    ['64', 64],
  ])('%s', (text, number) => expect(parseSignal(text)).toBe(number));

  test.each(['', '0', '65', 'NOPE', 'SIG', '1.5', 'toString'])('not %j', (text) => {
    expect(() => parseSignal(text)).toThrow(/no signal/);
  });
});

describe('moments', () => {
  const now = new Date('2026-01-31T12:00:00Z');

  test.each([
    ['10m', '2026-01-31T11:50:00.000Z'],
    ['1h30m', '2026-01-31T10:30:00.000Z'],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['1769860800.5', '2026-01-31T12:00:00.500Z'],
  ])('%s', (text, iso) => expect(parseMoment(text, now).toISOString()).toBe(iso));

  test.each(['', 'yesterday', '12', '2026-13-01T00:00:00Z'])('not %j', (text) => {
    expect(() => parseMoment(text, now)).toThrow(/is no moment/);
  });
});

describe('pairs', () => {
  test('labels, and what to look for', () => {
    expect(parseLabel('app=web=1')).toEqual(['app', 'web=1']);
    expect(parseLabel('app')).toEqual(['app', '']);
    expect(parseLabelSelector('app')).toEqual(['app', true]);
    expect(parseLabelSelector('app=')).toEqual(['app', '']);
    expect(() => parseLabel('=web')).toThrow(/needs a key/);
  });

  test('variables, also from the own environment', () => {
    expect(parseEnvironment('A=b=c', {})).toEqual(['A', 'b=c']);
    expect(parseEnvironment('A=', { A: 'own' })).toEqual(['A', '']);
    expect(parseEnvironment('A', { A: 'own' })).toEqual(['A', 'own']);
    expect(() => parseEnvironment('A', {})).toThrow(/not in the environment/);
  });
});

describe('mounts', () => {
  test('as docker has them', () => {
    expect(parseVolume('/a:/b')).toEqual({ type: 'bind', source: '/a', target: '/b', readonly: false });
    expect(parseVolume('/a:/b:ro')).toMatchObject({ readonly: true });
    expect(parseMount('type=bind,src=/a,dst=/b,ro')).toEqual({
      type: 'bind',
      source: '/a',
      target: '/b',
      readonly: true,
    });
    expect(parseMount('type=tmpfs,target=/t,size=1m')).toEqual({
      type: 'tmpfs',
      target: '/t',
      readonly: false,
      sizeBytes: 1_048_576,
    });
  });

  test.each(['a', '/a:b', ':/b', '/a:/b:rx', '/a:/b:ro:x'])('not a volume: %j', (text) => {
    expect(() => parseVolume(text)).toThrow();
  });

  test.each([
    '',
    'type=bind,target=/b',
    'type=volume,source=a,target=/b',
    'source=/a,target=b',
    'source=/a,target=/b,x=1',
  ])('not a mount: %j', (text) => expect(() => parseMount(text)).toThrow());
});
