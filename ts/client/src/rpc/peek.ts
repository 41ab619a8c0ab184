import { PointerReader, type StructReader } from '../capnp/reader.js';
import { Segments } from '../capnp/segments.js';

/** Numbers of the `Message` union in rpc.capnp, as far as this package names them. */
export const MessageKind = {
  unimplemented: 0,
  abort: 1,
  call: 2,
  return: 3,
  finish: 4,
  resolve: 5,
  release: 6,
  bootstrap: 8,
  disembargo: 13,
} as const;

/** Numbers of the `Return` union in rpc.capnp. */
export const ReturnKind = { results: 0, exception: 1 } as const;

/** Kinds whose struct begins with the id of a question. */
const WITH_ID: ReadonlySet<number> = new Set([
  MessageKind.call,
  MessageKind.return,
  MessageKind.finish,
  MessageKind.bootstrap,
]);

/** What a look at a message tells without decoding it. */
export interface Peeked {
  /** A number of `MessageKind`, or one that this package does not know. */
  kind: number;
  /** Question id of a call, finish or bootstrap, answer id of a return; 0 for the others. */
  id: number;
  /** For a return: a number of `ReturnKind`, or one that this package does not ask for. */
  returnKind: number;
}

/**
 * Read a message's kind and ids in place. The connection copies a message twice to decode it, which is
 * too much for output of tens of megabytes when all that is wanted is whose it is.
 *
 * @throws MalformedMessageError
 */
export function peek(frame: Uint8Array): Peeked {
  const message = rootOf(frame);
  const kind = Number(message?.data(0, 16) ?? 0);
  const body = WITH_ID.has(kind) ? message?.pointer(0).struct() : undefined;
  return {
    kind,
    id: Number(body?.data(0, 32) ?? 0),
    returnKind: kind === MessageKind.return ? Number(body?.data(3, 16) ?? 0) : 0,
  };
}

/** The root struct of a framed message; undefined for an empty one. */
export function rootOf(frame: Uint8Array): StructReader | undefined {
  const segments = new Segments(splitSegments(frame), () => undefined);
  return PointerReader.at(segments, 0, 0).struct();
}

/** https://capnproto.org/encoding.html#serialization-over-a-stream; the frame is known to be whole. */
function splitSegments(frame: Uint8Array): DataView[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const count = view.getUint32(0, true) + 1;
  let offset = 4 + count * 4 + (count % 2 === 0 ? 4 : 0);
  const segments: DataView[] = [];
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(4 + i * 4, true) * 8;
    segments.push(new DataView(frame.buffer, frame.byteOffset + offset, length));
    offset += length;
  }
  return segments;
}
