import { expect, test } from 'vitest';
import { FrameReader } from '../../src/rpc/frames.js';

const ONE_SEGMENT = frame([1]);
const TWO_SEGMENTS = frame([1, 2]);

test.each([1, 2, 3, 7, 8, 9, 64, 1_000])(
  'messages are cut out of a stream that comes in pieces of %i bytes',
  (size) => {
    const stream = Buffer.concat([ONE_SEGMENT, TWO_SEGMENTS, ONE_SEGMENT, frame([0]), TWO_SEGMENTS]);
    const reader = new FrameReader();
    const frames: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.push(stream.subarray(at, at + size), (each) => frames.push(Uint8Array.from(each)));
    }
    expect(Buffer.concat(frames).equals(stream)).toBe(true);
    expect(frames.map((each) => each.byteLength)).toEqual([16, 40, 16, 8, 40]);
    expect(reader.partial).toBe(false);
  },
);

test('a message of exactly the limit is taken, one past it is not', () => {
  const frames: Uint8Array[] = [];
  new FrameReader(16).push(ONE_SEGMENT, (each) => frames.push(each));
  expect(frames).toHaveLength(1);
  expect(() => new FrameReader(16).push(frame([2]).subarray(0, 8), () => {})).toThrow('at most 16');
});

test('more segments than any sender uses are refused before their table has arrived', () => {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(512);
  expect(() => new FrameReader().push(header, () => {})).toThrow('513 segments');
});

test('a large message takes no more memory than arrived', () => {
  const reader = new FrameReader();
  const before = process.memoryUsage().arrayBuffers;
  const header = Buffer.alloc(8);
  header.writeUInt32LE((48 * 1024 * 1024) / 8, 4);
  reader.push(header, () => {});
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});

function frame(words: number[]): Buffer {
  const headerBytes = 4 + words.length * 4 + (words.length % 2 === 0 ? 4 : 0);
  const total = words.reduce((sum, each) => sum + each, 0);
  const buffer = Buffer.alloc(headerBytes + total * 8, 0xab);
  buffer.fill(0, 0, headerBytes);
  buffer.writeUInt32LE(words.length - 1);
  words.forEach((each, i) => buffer.writeUInt32LE(each, 4 + i * 4));
  return buffer;
}
