import { parseCodedText } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { PacketConnection } from '../packets/addon.js';

/** Descriptors that the kernel passes at once (SCM_MAX_FD, unix(7)). */
const MOST_AT_ONCE = 253;
/** Bytes of the packets' integers, which are little-endian. */
const WORD = 8;
/** The lower half of a head that tells of a failure. */
const FAILED = 0xffff_ffffn;

/**
 * Send descriptors over the server's fd socket.
 *
 * @returns the slot of each; what no call takes is closed with the connection
 * @throws PodherdError the server's; `INVALID_ARGUMENT` for one that is not open; `CONNECTION_CLOSED`, `PROTOCOL_ERROR`
 */
export async function sendDescriptors(
  connection: PacketConnection,
  descriptors: readonly number[],
): Promise<bigint[]> {
  const slots: bigint[] = [];
  for (let at = 0, id = 1n; at < descriptors.length; at += MOST_AT_ONCE, id++) {
    const some = descriptors.slice(at, at + MOST_AT_ONCE);
    const head = (id << 32n) | BigInt(some.length);
    await connection.send(requestPacket(head), some).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code !== 'EBADF') throw cause;
      throw new PodherdError('INVALID_ARGUMENT', `not all of the descriptors ${some.join(', ')} are open`, {
        cause,
      });
    });
    const answer = (await connection.receive())?.[0];
    if (answer === undefined) {
      throw new PodherdError('CONNECTION_CLOSED', 'the server closed the connection for descriptors');
    }
    slots.push(...readAnswer(head, answer));
  }
  return slots;
}

/** The packet of a request. @param head `(request id << 32) | number of descriptors` */
export function requestPacket(head: bigint): Uint8Array {
  const packet = Buffer.alloc(WORD);
  packet.writeBigUInt64LE(head);
  return packet;
}

/** The slots in an answer to the request of this head. */
export function readAnswer(head: bigint, answer: Uint8Array): bigint[] {
  const words = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const found = words.length >= WORD ? words.readBigUInt64LE() : undefined;
  if (found === (head | FAILED)) {
    const text = words.toString('utf8', WORD);
    const coded = parseCodedText(text);
    throw new PodherdError(coded?.code ?? 'SERVER_ERROR', coded?.message ?? text);
  }
  const count = Number(head & FAILED);
  if (found !== head || words.length !== WORD * (1 + count)) {
    throw new PodherdError('PROTOCOL_ERROR', 'the server answered in a strange way to descriptors');
  }
  return Array.from({ length: count }, (_, n) => words.readBigUInt64LE(WORD * (1 + n)));
}
