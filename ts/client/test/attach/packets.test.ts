import { expect, test } from 'vitest';
import { readPacket, stdinPackets } from '../../src/attach/packets.js';
import { PodherdError } from '../../src/errors.js';

test('packets of the server say which stream they belong to, zero bytes included', () => {
  expect(readPacket(Uint8Array.of(2, 0, 255, 10))).toEqual({
    stream: 'stdout',
    data: Uint8Array.of(0, 255, 10),
  });
  expect(readPacket(Uint8Array.of(3, 1))).toEqual({ stream: 'stderr', data: Uint8Array.of(1) });
  expect(readPacket(Uint8Array.of(0))).toEqual({ stream: 'done' });
});

test('what is no packet is refused', () => {
  for (const bytes of [[], [1], [4, 1], [0, 0], [255]]) {
    expect(() => readPacket(Uint8Array.from(bytes))).toThrow(PodherdError);
    expect(() => readPacket(Uint8Array.from(bytes))).toThrow(/attach packet of \d bytes/);
  }
});

test('input is cut into packets that the server takes, and none is empty', () => {
  const chunk = Uint8Array.from({ length: 20_000 }, (_, n) => n % 251);
  const packets = [...stdinPackets(chunk)];
  expect(packets.map(({ length }) => length)).toEqual([8_192, 8_192, 3_616]);
  expect(Buffer.concat(packets).equals(chunk)).toBe(true);
  expect([...stdinPackets(new Uint8Array(8_192))].map(({ length }) => length)).toEqual([8_192]);
  expect([...stdinPackets(new Uint8Array())]).toEqual([]);
});
