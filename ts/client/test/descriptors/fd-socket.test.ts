import { expect, test } from 'vitest';
import { readAnswer, requestPacket } from '../../src/descriptors/fd-socket.js';

const HEAD = (7n << 32n) | 2n;

test('a request is its head, little-endian', () => {
  expect([...requestPacket(HEAD)]).toEqual([2, 0, 0, 0, 7, 0, 0, 0]);
});

test('an answer holds the slots, of any size', () => {
  const answer = Buffer.concat([HEAD, 5n, (1n << 64n) - 1n].map(requestPacket));
  expect(readAnswer(HEAD, answer)).toEqual([5n, (1n << 64n) - 1n]);
});

test('a failure has the code and the words of the server', () => {
  const failure = (text: string): Buffer =>
    Buffer.concat([requestPacket((7n << 32n) | 0xffff_ffffn), Buffer.from(text)]);
  expect(() => readAnswer(HEAD, failure('OVERLOADED: 1,024 wait'))).toThrow(
    expect.objectContaining({ code: 'OVERLOADED', message: '1,024 wait' }),
  );
  expect(() => readAnswer(HEAD, failure('no room'))).toThrow(
    expect.objectContaining({ code: 'SERVER_ERROR', message: 'no room' }),
  );
});

test('an answer to something else, or of another length, is a fault', () => {
  for (const words of [[], [HEAD], [HEAD, 5n], [HEAD, 5n, 6n, 7n], [HEAD + 1n, 5n, 6n]]) {
    const answer = Buffer.concat(words.map(requestPacket));
    expect(() => readAnswer(HEAD, answer)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
  }
  expect(() => readAnswer(HEAD, Buffer.alloc(3))).toThrow(/strange/);
});
