import { Builder } from './builder.js';
import type { CapabilityValue } from './capability-types.js';
import { MalformedMessageError } from './errors.js';
import { PointerReader, StructReader } from './reader.js';
import { Segments } from './segments.js';
import type { CapabilityTable } from './segments.js';
import type { StructCodec } from './struct.js';

/** A checked and finished struct: its own bytes first, then all that it points to. */
export interface EncodedStruct {
  readonly bytes: Uint8Array;
  readonly dataWords: number;
  readonly pointerCount: number;
  /** In the order of their indices in the message's capability table. */
  readonly capabilities: readonly CapabilityValue[];
}

/** Check a value and encode it. `root` begins the path in an error. Throws `InvalidValueError`. */
export function encodeStruct<I>(codec: StructCodec<unknown, I>, value: I, root = codec.name): EncodedStruct {
  const { dataWords, pointerCount } = codec;
  const builder = new Builder(root);
  codec.write(value, builder.root(dataWords, pointerCount));
  const capabilities = builder.capabilities as CapabilityValue[];
  return { bytes: builder.bytes, dataWords, pointerCount, capabilities };
}

const noCapabilities: CapabilityTable = () => undefined;

/** Read the struct behind the pointer at a byte offset. A null one reads as all defaults. */
export function decodeStruct<T>(
  codec: StructCodec<T, never>,
  segments: readonly DataView[],
  at: { readonly segment: number; readonly offset: number } = { segment: 0, offset: 0 },
  capabilities: CapabilityTable = noCapabilities,
): T {
  const message = new Segments(segments, capabilities);
  const reader = PointerReader.at(message, at.segment, at.offset).struct();
  return codec.read(reader ?? StructReader.empty(message));
}

/** A whole message of one segment, with its stream framing. Throws `InvalidValueError`. */
export function encodeMessage<I>(codec: StructCodec<unknown, I>, value: I): Uint8Array {
  const { bytes, dataWords, pointerCount } = encodeStruct(codec, value);
  const message = new Uint8Array(16 + bytes.length);
  const view = new DataView(message.buffer);
  view.setUint32(4, bytes.length / 8 + 1, true);
  writeStructPointer(view, 8, dataWords, pointerCount, 0);
  message.set(bytes, 16);
  return message;
}

/** Read a framed, unpacked message without capabilities. Throws `MalformedMessageError`. */
export function decodeMessage<T>(codec: StructCodec<T, never>, message: Uint8Array): T {
  return decodeStruct(codec, splitSegments(message));
}

/** A struct pointer at a byte offset, to content so many words behind its end. */
export function writeStructPointer(
  view: DataView,
  offset: number,
  dataWords: number,
  pointerCount: number,
  distanceWords: number,
): void {
  // An empty struct points at its own pointer: with distance 0 it would read as null.
  const distance = dataWords + pointerCount === 0 ? -1 : distanceWords;
  view.setUint32(offset, (distance << 2) >>> 0, true);
  view.setUint32(offset + 4, (dataWords | (pointerCount << 16)) >>> 0, true);
}

const MAX_SEGMENTS = 512;

function splitSegments(message: Uint8Array): DataView[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const count = view.byteLength < 8 ? 0 : view.getUint32(0, true) + 1;
  if (count < 1 || count > MAX_SEGMENTS) throw new MalformedMessageError('its framing is no segment table');
  let offset = Math.ceil((count + 1) / 2) * 8;
  if (offset > view.byteLength) throw new MalformedMessageError('it ends within its segment table');
  return Array.from({ length: count }, (_, index) => {
    const bytes = view.getUint32(4 + index * 4, true) * 8;
    if (offset + bytes > view.byteLength) throw new MalformedMessageError(`it ends within segment ${index}`);
    const segment = new DataView(message.buffer, message.byteOffset + offset, bytes);
    offset += bytes;
    return segment;
  });
}
