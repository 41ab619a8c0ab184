/** Messages made wrong, or made to exhaust their reader. */

import { describe, expect, test } from 'vitest';

import { MalformedMessageError, decodeMessage, encodeMessage } from '../../client/src/capnp/index.js';
import { encodeText } from './capnp-tool.js';
import { Lists, Numbers, Tree } from './generated/everything.js';

/** A message of the given segments, each a list of 64-bit words. */
function message(...segments: readonly (readonly bigint[])[]): Uint8Array {
  const table = Math.ceil((segments.length + 1) / 2);
  const bytes = new DataView(new ArrayBuffer((table + segments.flat().length) * 8));
  bytes.setUint32(0, segments.length - 1, true);
  segments.forEach((segment, index) => {
    bytes.setUint32(4 + index * 4, segment.length, true);
  });
  segments.flat().forEach((word, index) => {
    bytes.setBigUint64((table + index) * 8, BigInt.asUintN(64, word), true);
  });
  return new Uint8Array(bytes.buffer);
}

const structPointer = (offset: number, dataWords: number, pointers: number): bigint =>
  (BigInt(pointers) << 48n) | (BigInt(dataWords) << 32n) | (BigInt.asUintN(30, BigInt(offset)) << 2n);
const listPointer = (offset: number, size: number, length: number): bigint =>
  (BigInt(length) << 35n) | (BigInt(size) << 32n) | (BigInt.asUintN(30, BigInt(offset)) << 2n) | 1n;
const farPointer = (segment: number, word: number, double: boolean): bigint =>
  (BigInt(segment) << 32n) | (BigInt(word) << 3n) | (double ? 4n : 0n) | 2n;

/** Of `Lists`: its pointers, and the slots of some members. */
const LISTS_POINTERS = 21;
const VOIDS = 0;
const I32S = 4;
const U8S = 6;
const TEXTS = 13;
const POINTS = 15;
const EMPTIES = 20;

describe('framing', () => {
  test.each([
    ['nothing', new Uint8Array(0)],
    ['half a word', new Uint8Array(4)],
    ['a billion segments', message([]).fill(255, 0, 4)],
    ['a segment that is cut', encodeMessage(Numbers, { u64: 1 }).slice(0, -8)],
    ['a cut segment table', message([0n], [0n]).slice(0, 8)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeMessage(Numbers, bytes)).toThrow(MalformedMessageError);
  });
});

describe('pointers', () => {
  test('a null root reads as all defaults', () => {
    expect(decodeMessage(Tree, message([0n]))).toEqual({
      value: 0,
      children: [],
      parent: undefined,
      note: undefined,
    });
  });

  test('a double-far pointer is followed', () => {
    const bytes = message(
      [farPointer(1, 0, true)],
      [farPointer(2, 1, false), structPointer(0, 1, 0)],
      [0n, 0x0000_0000_0000_002an],
    );
    expect(decodeMessage(Tree, bytes).value).toBe(42);
  });

  test.each([
    ['past the end', message([structPointer(5, 1, 0)])],
    ['before the beginning', message([structPointer(-3, 1, 0)])],
    ['to a missing segment', message([farPointer(3, 0, false)])],
    ['far to far', message([farPointer(1, 0, false)], [farPointer(0, 0, false)])],
    ['double far without a far pointer', message([farPointer(1, 0, true)], [0n, structPointer(0, 1, 0)])],
    [
      'double far to a far tag',
      message([farPointer(1, 0, true)], [farPointer(1, 0, false), farPointer(1, 0, false)]),
    ],
    ['a pad at the very end', message([farPointer(1, 9, false)], [0n])],
    ['to a list', message([listPointer(0, 2, 3), 0n])],
    ['to a capability', message([3n])],
    ['of an unknown kind', message([7n | (1n << 40n)])],
  ])('%s', (_, bytes) => {
    expect(() => decodeMessage(Tree, bytes)).toThrow(MalformedMessageError);
  });

  test('a struct that contains itself is cut off by depth', () => {
    // One data word, then `children`, `parent` (which is the struct itself) and `note`.
    const bytes = message([structPointer(0, 1, 3), 1n, 0n, structPointer(-3, 1, 3), 0n]);
    expect(() => decodeMessage(Tree, bytes)).toThrow(/nested deeper/);
  });

  test('a list whose elements share one list is cut off by the visits', () => {
    // Each level has 64 elements that all point at the next one: 64^10 if nobody counted.
    const levels = 10;
    const width = 64;
    const words: bigint[] = [structPointer(0, 1, 3), 0n, 0n, 0n, 0n];
    words[2] = listPointer(2, 7, width * 4);
    for (let level = 0; level < levels; level++) {
      words.push(structPointer(width, 1, 3));
      for (let i = 0; i < width; i++) {
        const slot = words.length + 1;
        const next = 5 + (level + 1) * (width * 4 + 1);
        const last = level === levels - 1;
        words.push(0n, last ? 0n : listPointer(next - slot - 1, 7, width * 4), 0n, 0n);
      }
    }
    expect(() => decodeMessage(Tree, message(words))).toThrow(/read more often/);
  });
});

describe('lists', () => {
  const lists = (slot: number, ...content: readonly bigint[]): Uint8Array => {
    const pointers = Array.from({ length: LISTS_POINTERS }, () => 0n);
    const [first, ...rest] = content;
    pointers[slot] = (first ?? 0n) + (BigInt(LISTS_POINTERS - slot - 1) << 2n);
    return message([structPointer(0, 0, LISTS_POINTERS), ...pointers, ...rest]);
  };

  test('a short one is read where the next tests break it', () => {
    expect(decodeMessage(Lists, lists(VOIDS, listPointer(0, 0, 3))).voids).toHaveLength(3);
    expect(
      decodeMessage(Lists, lists(TEXTS, listPointer(0, 6, 1), listPointer(0, 2, 2), 0x61n)).texts,
    ).toEqual(['a']);
  });

  test('bytes that are no UTF-8 become U+FFFD, and the rest is kept', () => {
    const bytes = lists(TEXTS, listPointer(0, 6, 1), listPointer(0, 2, 4), 0x00_62_ff_61n);
    expect(decodeMessage(Lists, bytes).texts).toEqual(['a\ufffdb']);
  });

  test.each([
    ['half a billion Voids', lists(VOIDS, listPointer(0, 0, 0x1fff_ffff))],
    ['a billion empty structs', lists(EMPTIES, listPointer(0, 7, 0), structPointer(0x1fff_ffff, 0, 0))],
    ['structs longer than their space', lists(POINTS, listPointer(0, 7, 2), structPointer(3, 1, 0), 0n, 0n)],
    ['a tag that is no struct', lists(POINTS, listPointer(0, 7, 1), listPointer(0, 2, 1), 0n)],
    ['elements too narrow', lists(I32S, listPointer(0, 2, 8), 0n)],
    ['data where pointers belong', lists(TEXTS, listPointer(0, 5, 1), 1n)],
    ['bits where structs belong', lists(POINTS, listPointer(0, 1, 8), 1n)],
    ['a text without NUL', lists(TEXTS, listPointer(0, 6, 1), listPointer(0, 2, 1), 0x61n)],
    ['an empty text without NUL', lists(TEXTS, listPointer(0, 6, 1), listPointer(0, 2, 0))],
    ['longer than the segment', lists(U8S, listPointer(0, 2, 9), 0n)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeMessage(Lists, bytes)).toThrow(MalformedMessageError);
  });
});

test('damaged messages are read or refused, nothing else', () => {
  const text =
    '(value = 1, children = [(value = 2, note = (text = "n")), ()], parent = (children = [(), ()]))';
  const originals = [
    encodeText('everything.capnp', 'Tree', text),
    encodeText('everything.capnp', 'Tree', text, 1),
  ];
  // A fixed linear congruential generator, so that a failure can be seen again.
  let state = 0x2545_f491;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(originals[round % originals.length] ?? []);
    for (let hits = 1 + random(3); hits > 0; hits--) bytes[random(bytes.length)] = random(256);
    try {
      decodeMessage(Tree, bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedMessageError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1_000);
});
