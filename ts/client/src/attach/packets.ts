import { PodherdError } from '../errors.js';

/** Most bytes of one packet, in either direction (the attach protocol of conmon-rs). */
const PACKET_BYTES = 8_192;

/** First bytes of the server's packets. */
const DONE = 0;
const STDOUT = 2;
const STDERR = 3;

/** What a packet of the server says. */
export type AttachPacket =
  { readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array } | { readonly stream: 'done' };

/**
 * Read a packet of the server.
 *
 * @throws PodherdError `PROTOCOL_ERROR`
 */
export function readPacket(packet: Uint8Array): AttachPacket {
  switch (packet[0]) {
    case STDOUT:
      return { stream: 'stdout', data: packet.subarray(1) };
    case STDERR:
      return { stream: 'stderr', data: packet.subarray(1) };
    case DONE:
      if (packet.length === 1) return { stream: 'done' };
  }
  throw new PodherdError(
    'PROTOCOL_ERROR',
    `the server sent an attach packet of ${packet.length} bytes that begins with ${packet[0]}`,
  );
}

/** The packets for a chunk of standard input; none for an empty chunk, which would look like the end. */
export function* stdinPackets(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += PACKET_BYTES) yield chunk.subarray(at, at + PACKET_BYTES);
}
