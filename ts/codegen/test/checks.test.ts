/** What may not be written: each is refused, with the place, before a byte leaves. */

import { describe, expect, test } from 'vitest';

import { AnyPointer, InvalidValueError, data, encodeMessage } from '../../client/src/capnp/index.js';
import type { StructCodec } from '../../client/src/capnp/index.js';
import { Defaults, Holder, Line, Lists, Numbers, Open, Shape, Tree } from './generated/everything.js';

function refusal(codec: StructCodec<unknown, never>, value: unknown): InvalidValueError {
  try {
    encodeMessage(codec, value as never);
  } catch (error) {
    if (error instanceof InvalidValueError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const integers = [
  ['i8', -129, 128, 'an integer from -128 to 127'],
  ['i16', -32769, 32768, 'an integer from -32768 to 32767'],
  ['i32', -2147483649, 2147483648, 'an integer from -2147483648 to 2147483647'],
  ['u8', -1, 256, 'an integer from 0 to 255'],
  ['u16', -1, 65536, 'an integer from 0 to 65535'],
  ['u32', -1, 4294967296, 'an integer from 0 to 4294967295'],
] as const;

describe.each(integers)('%s', (member, below, above, expected) => {
  test.each([below, above, 0.5, NaN, Infinity, '1', 1n, true, null, [], {}])('refuses %o', (value) => {
    const error = refusal(Numbers, { [member]: value });
    expect(error.path).toBe(`Numbers.${member}`);
    expect(error.expected).toBe(expected);
  });
});

describe.each([
  ['i64', -(2n ** 63n) - 1n, 2n ** 63n],
  ['u64', -1n, 2n ** 64n],
])('%s', (member, below, above) => {
  test.each([below, above, 0.5, 2 ** 53, NaN, '1', true, null, {}])('refuses %s', (value) => {
    expect(refusal(Numbers, { [member]: value }).path).toBe(`Numbers.${member}`);
  });
});

test('refuses a negative number for UInt64', () => {
  expect(refusal(Numbers, { u64: -1 }).found).toBe('-1');
});

test.each([
  ['b', 1],
  ['b', 'true'],
  ['b', null],
  ['f32', 1e39],
  ['f32', '1'],
  ['f64', 1n],
  ['f64', null],
  ['colour', 'blue'],
  ['colour', 'unknown(7)'],
  ['colour', 1],
  ['colour', 'toString'],
])('refuses %s: %o', (member, value) => {
  expect(refusal(Numbers, { [member]: value }).path).toBe(`Numbers.${member}`);
});

test('keeps infinities and NaN of floating point', () => {
  expect(() => encodeMessage(Numbers, { f32: -Infinity, f64: NaN })).not.toThrow();
});

test.each([
  ['text', 1],
  ['text', null],
  ['text', ['a']],
  ['text', 'half a \ud83d pair'],
  ['data', 'bytes'],
  ['data', [1, 2]],
  ['data', new ArrayBuffer(2)],
  ['numbers', 'ab'],
  ['numbers', { length: 1 }],
  ['point', 1],
  ['point', null],
  ['point', []],
])('refuses %s: %o', (member, value) => {
  expect(refusal(Defaults, { [member]: value }).path).toBe(`Defaults.${member}`);
});

test('accepts NUL in text, which Cap’n Proto allows', () => {
  expect(() => encodeMessage(Defaults, { text: 'a\0b' })).not.toThrow();
});

test.each([undefined, null, 1, 'x', []])('refuses %o for a whole struct', (value) => {
  expect(refusal(Numbers, value).path).toBe('Numbers');
});

test('says where in nested lists the value stands', () => {
  const error = refusal(Lists, { polygons: [[], [{}, { y: 1.5 }]] });
  expect(error.path).toBe('Lists.polygons[1][1].y');
  expect(error.message).toBe(
    'Lists.polygons[1][1].y: expected an integer from -2147483648 to 2147483647, found 1.5',
  );
});

test('refuses a hole in a list', () => {
  expect(refusal(Lists, { texts: ['a', , 'c'] }).path).toBe('Lists.texts[1]');
});

test('refuses a value in a list of Void', () => {
  expect(refusal(Lists, { voids: [undefined, 0] }).path).toBe('Lists.voids[1]');
});

test.each([
  [Numbers, { nope: 1 }, 'Numbers.nope'],
  [Numbers, { nope: undefined }, 'Numbers.nope'],
  [Numbers, { nothing: undefined }, 'Numbers.nothing'],
  [Numbers, { toString: 1 }, 'Numbers.toString'],
  [Numbers, { which: 'b' }, 'Numbers.which'],
  [Line, { from: { x: 1, z: 2 } }, 'Line.from.z'],
  [Shape, { which: 'circle', polygon: [] }, 'Shape.polygon'],
  [Shape, { circle: 1 }, 'Shape.circle'],
  [Shape, { which: 'nothing', nothing: 1 }, 'Shape.nothing'],
])('refuses the member %# that is not of the struct, or not the chosen one', (codec, value, path) => {
  expect(refusal(codec as StructCodec<unknown, never>, value).path).toBe(path);
});

test('refuses an unknown `which`', () => {
  const error = refusal(Shape, { which: 'square' });
  expect(error.path).toBe('Shape.which');
  expect(error.expected).toContain('circle');
});

test('takes a member that is undefined for an absent one', () => {
  const absent = encodeMessage(Defaults, {});
  expect(encodeMessage(Defaults, { u8: undefined, text: undefined, lines: undefined })).toEqual(absent);
});

test('refuses an object that contains itself', () => {
  const tree: { value: number; parent?: object } = { value: 1 };
  tree.parent = tree;
  expect(refusal(Tree, tree).path).toMatch(/^Tree\.parent\.parent/);
});

test.each([{}, 'sink', null])('refuses %o for a capability', (value) => {
  expect(refusal(Holder, { sink: value }).expected).toBe('a client of Sink or an object that serves it');
});

test('checks what stands behind an AnyPointer', () => {
  expect(() => encodeMessage(Open, { anything: AnyPointer.of(data, Uint8Array.of(1)) })).not.toThrow();
  expect(refusal(Open, { anything: 'text' }).path).toBe('Open.anything');
  expect(refusal(Open, { anything: AnyPointer.of(data, 'x' as never) }).path).toBe('Open.anything');
});

test('carries a code, and shortens what it found', () => {
  const error = refusal(Numbers, { u8: 'x'.repeat(1000) });
  expect(error.code).toBe('INVALID_VALUE');
  expect(error.found.length).toBeLessThan(100);
});
