import { Builder, PointerBuilder, type StructBuilder } from '../capnp/builder.js';
import type { StructReader } from '../capnp/reader.js';
import type { ExceptionKind } from '../error-from.js';
import { MessageKind, ReturnKind, rootOf } from './peek.js';

// Layouts of rpc.capnp, which its authors keep: `Message` has one word of data and one pointer, `Return`
// two and one, `Exception` one and two, `Finish` one and none.

const EXCEPTION_KINDS: readonly ExceptionKind[] = ['failed', 'overloaded', 'disconnected', 'unimplemented'];

/** The exception in a return message. */
export function readException(frame: Uint8Array): { kind: ExceptionKind; reason: string } {
  return exceptionOf(rootOf(frame)?.pointer(0).struct()?.pointer(0).struct());
}

/** The exception that an abort message is. */
export function readAbort(frame: Uint8Array): { kind: ExceptionKind; reason: string } {
  return exceptionOf(rootOf(frame)?.pointer(0).struct());
}

/** A return with an exception for the call `id`, as if the server had sent it. */
export function encodeCancelledReturn(id: number, reason: string): Uint8Array {
  return encode(MessageKind.return, 2, 1, (answer) => {
    answer.data(0, 32, id);
    answer.data(3, 16, ReturnKind.exception);
    const exception = answer.pointer(0).struct(1, 2);
    exception.pointer(0).bytes(new TextEncoder().encode(reason), 1);
  });
}

/**
 * A finish for the call `id` that was given up. Its results, should they be under way, belong to nobody,
 * so the peer drops the capabilities in them: `releaseResultCaps` is true, which is its default, and a
 * default is stored as zero.
 */
export function encodeReleasingFinish(id: number): Uint8Array {
  return encode(MessageKind.finish, 1, 0, (finish) => finish.data(0, 32, id));
}

function exceptionOf(exception: StructReader | undefined): { kind: ExceptionKind; reason: string } {
  const kind = EXCEPTION_KINDS[Number(exception?.data(2, 16) ?? 0)] ?? 'failed';
  const bytes = exception?.pointer(0).bytes();
  return { kind, reason: bytes === undefined ? '' : new TextDecoder().decode(bytes.subarray(0, -1)) };
}

function encode(
  kind: number,
  dataWords: number,
  pointers: number,
  fill: (body: StructBuilder) => void,
): Uint8Array {
  const builder = new Builder('Message');
  const root = new PointerBuilder(builder, builder.allocate(8)).struct(1, 1);
  root.data(0, 16, kind);
  fill(root.pointer(0).struct(dataWords, pointers));
  const segment = builder.bytes;
  const frame = new Uint8Array(8 + segment.byteLength);
  new DataView(frame.buffer).setUint32(4, segment.byteLength / 8, true);
  frame.set(segment, 8);
  return frame;
}
