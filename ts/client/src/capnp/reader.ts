import { MalformedMessageError } from './errors.js';
import { MAX_DEPTH } from './segments.js';
import type { ListLocation, Location, Segments, StructLocation } from './segments.js';

/** Width in bits of a value in a data section. */
export type DataBits = 0 | 1 | 8 | 16 | 32 | 64;

/** The bits of a value in a data section: unsigned, a bigint where there are 64. */
export type RawData = number | bigint;

/** Reads bits that start at a multiple of their own width. */
export function readRaw(view: DataView, bitOffset: number, bits: DataBits): RawData {
  const offset = bitOffset >>> 3;
  switch (bits) {
    case 0:
      return 0;
    case 1:
      return (view.getUint8(offset) >>> (bitOffset & 7)) & 1;
    case 8:
      return view.getUint8(offset);
    case 16:
      return view.getUint16(offset, true);
    case 32:
      return view.getUint32(offset, true);
    case 64:
      return view.getBigUint64(offset, true);
  }
}

/** One pointer of a message, not followed yet. */
export class PointerReader {
  readonly #segments: Segments;
  readonly #location: Location | undefined;
  readonly #depth: number;

  private constructor(segments: Segments, location: Location | undefined, depth: number) {
    if (depth > MAX_DEPTH) throw new MalformedMessageError(`nested deeper than ${MAX_DEPTH}`);
    this.#segments = segments;
    this.#location = location;
    this.#depth = depth;
  }

  static at(segments: Segments, segment: number, offset: number, depth = 0): PointerReader {
    return new PointerReader(segments, segments.resolve(segment, offset), depth);
  }

  /** A pointer that the sender's schema does not have. */
  static none(segments: Segments): PointerReader {
    return new PointerReader(segments, undefined, 0);
  }

  get isNull(): boolean {
    return this.#location === undefined;
  }

  struct(): StructReader | undefined {
    const location = this.#location;
    if (location === undefined) return undefined;
    if (location.kind !== 'struct')
      throw new MalformedMessageError(`a ${location.kind} where a struct belongs`);
    return new StructReader(this.#segments, location, this.#depth);
  }

  list(): ListReader | undefined {
    const location = this.#location;
    if (location === undefined) return undefined;
    if (location.kind !== 'list') throw new MalformedMessageError(`a ${location.kind} where a list belongs`);
    return new ListReader(this.#segments, location, this.#depth);
  }

  /** The bytes of a text (with its NUL) or of data, in place. */
  bytes(): Uint8Array | undefined {
    return this.list()?.bytes();
  }

  /** What the connection knows of the capability; undefined for a null one. */
  capability(): unknown {
    const location = this.#location;
    if (location === undefined) return undefined;
    if (location.kind !== 'capability')
      throw new MalformedMessageError(`a ${location.kind} where a capability belongs`);
    return this.#segments.capabilities(location.index);
  }
}

/** A struct of a message. What lies beyond the sender's struct reads as null or zero bits. */
export class StructReader {
  readonly #segments: Segments;
  readonly #location: StructLocation;
  readonly #depth: number;

  constructor(segments: Segments, location: StructLocation, depth: number) {
    this.#segments = segments;
    this.#location = location;
    this.#depth = depth;
  }

  /** A struct with no sections: every member has its default. */
  static empty(segments: Segments): StructReader {
    const view = new DataView(new ArrayBuffer(0));
    const location = {
      kind: 'struct',
      view,
      segment: 0,
      dataOffset: 0,
      dataBytes: 0,
      pointerOffset: 0,
      pointerCount: 0,
    } as const;
    return new StructReader(segments, location, 0);
  }

  /** The value at `index`, counted in units of its own width. */
  data(index: number, bits: DataBits): RawData {
    const { view, dataOffset, dataBytes } = this.#location;
    if ((index + 1) * bits > dataBytes * 8) return bits === 64 ? 0n : 0;
    return readRaw(view, dataOffset * 8 + index * bits, bits);
  }

  pointer(index: number): PointerReader {
    const { segment, pointerOffset, pointerCount } = this.#location;
    if (index >= pointerCount) return PointerReader.none(this.#segments);
    return PointerReader.at(this.#segments, segment, pointerOffset + index * 8, this.#depth + 1);
  }
}

/** A list of a message, of whatever encoding its sender chose. */
export class ListReader {
  readonly #segments: Segments;
  readonly #location: ListLocation;
  readonly #depth: number;

  constructor(segments: Segments, location: ListLocation, depth: number) {
    this.#segments = segments;
    this.#location = location;
    this.#depth = depth;
  }

  get length(): number {
    return this.#location.length;
  }

  data(index: number, bits: DataBits): RawData {
    const { view, offset, strideBits, elementDataBits } = this.#location;
    if (bits > elementDataBits || (bits === 1) !== (strideBits === 1 && elementDataBits === 1)) {
      if (bits !== 0)
        throw new MalformedMessageError(`list elements of ${elementDataBits} bits where ${bits} belong`);
    }
    return readRaw(view, offset * 8 + index * strideBits, bits);
  }

  pointer(index: number): PointerReader {
    const { segment, offset, strideBits, elementDataBits, elementPointers } = this.#location;
    if (elementPointers === 0)
      throw new MalformedMessageError('a list of data where one of pointers belongs');
    const at = offset + (index * strideBits + elementDataBits) / 8;
    return PointerReader.at(this.#segments, segment, at, this.#depth + 1);
  }

  struct(index: number): StructReader {
    const { view, segment, offset, strideBits, elementDataBits, elementPointers } = this.#location;
    if (strideBits === 1) throw new MalformedMessageError('a list of bits where one of structs belongs');
    const dataOffset = offset + (index * strideBits) / 8;
    const dataBytes = elementDataBits / 8;
    const pointerOffset = dataOffset + dataBytes;
    return new StructReader(
      this.#segments,
      { kind: 'struct', view, segment, dataOffset, dataBytes, pointerOffset, pointerCount: elementPointers },
      this.#depth + 1,
    );
  }

  bytes(): Uint8Array {
    const { view, offset, length, strideBits, elementDataBits } = this.#location;
    if (strideBits !== 8 || elementDataBits !== 8)
      throw new MalformedMessageError('a list where text or data belongs');
    return new Uint8Array(view.buffer, view.byteOffset + offset, length);
  }
}
