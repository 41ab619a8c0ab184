import { InvalidValueError } from './errors.js';
import type { DataBits, RawData } from './reader.js';
import { MAX_DEPTH } from './segments.js';

/** Elements in one list: its pointer has 29 bits for them. */
const MAX_LIST_LENGTH = 0x1fff_ffff;

const SIZE_CODE: Record<DataBits, number> = { 0: 0, 1: 1, 8: 2, 16: 3, 32: 4, 64: 5 };
const POINTER_CODE = 6;
const COMPOSITE_CODE = 7;

/**
 * Builds one segment. Pointers within a segment are relative, so the finished bytes can be set into
 * any message as a whole.
 */
export class Builder {
  /** Capabilities in the order of their index in the message's table. */
  readonly capabilities: unknown[] = [];
  #buffer = new ArrayBuffer(512);
  #view = new DataView(this.#buffer);
  #used = 0;
  readonly #path: (string | number)[] = [];

  constructor(root: string) {
    this.#path.push(root);
  }

  get view(): DataView {
    return this.#view;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#buffer, 0, this.#used);
  }

  /** Byte offset of fresh, zeroed space. Replaces `view` when the buffer has to grow. */
  allocate(bytes: number): number {
    const offset = this.#used;
    const needed = offset + Math.ceil(bytes / 8) * 8;
    if (needed > this.#buffer.byteLength) {
      const grown = new ArrayBuffer(Math.max(needed, this.#buffer.byteLength * 2));
      new Uint8Array(grown).set(new Uint8Array(this.#buffer, 0, this.#used));
      this.#buffer = grown;
      this.#view = new DataView(grown);
    }
    this.#used = needed;
    return offset;
  }

  /** The struct that the message is about; nothing may be allocated before it. */
  root(dataWords: number, pointerCount: number): StructBuilder {
    const offset = this.allocate((dataWords + pointerCount) * 8);
    return new StructBuilder(this, offset, offset + dataWords * 8);
  }

  /** Run `write` with the path of the value that it writes, for the error that it may throw. */
  within(step: string | number, write: () => void): void {
    if (this.#path.length > MAX_DEPTH * 2)
      throw this.invalid(`values nested at most ${MAX_DEPTH} deep`, undefined);
    this.#path.push(step);
    write();
    this.#path.pop();
  }

  invalid(expected: string, value: unknown): InvalidValueError {
    const path = this.#path.map((step, i) =>
      typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`,
    );
    return new InvalidValueError(path.join(''), expected, value);
  }
}

/** A struct being written; its sections lie at fixed offsets of the builder. */
export class StructBuilder {
  readonly builder: Builder;
  readonly #dataOffset: number;
  readonly #pointerOffset: number;

  constructor(builder: Builder, dataOffset: number, pointerOffset: number) {
    this.builder = builder;
    this.#dataOffset = dataOffset;
    this.#pointerOffset = pointerOffset;
  }

  /** `index` counts in units of the value's own width. */
  data(index: number, bits: DataBits, raw: RawData): void {
    writeRaw(this.builder.view, this.#dataOffset * 8 + index * bits, bits, raw);
  }

  pointer(index: number): PointerBuilder {
    return new PointerBuilder(this.builder, this.#pointerOffset + index * 8);
  }
}

/** A null pointer waiting to be set. */
export class PointerBuilder {
  readonly builder: Builder;
  readonly #offset: number;

  constructor(builder: Builder, offset: number) {
    this.builder = builder;
    this.#offset = offset;
  }

  struct(dataWords: number, pointerCount: number): StructBuilder {
    const words = dataWords + pointerCount;
    const offset = this.builder.allocate(words * 8);
    // An empty struct points at its own pointer (offset -1): with offset 0 it would read as null.
    const distance = words === 0 ? -1 : this.#distanceTo(offset);
    this.#set(distance << 2, dataWords | (pointerCount << 16));
    return new StructBuilder(this.builder, offset, offset + dataWords * 8);
  }

  bytes(bytes: Uint8Array, terminator: 0 | 1): void {
    const offset = this.#list(bytes.length + terminator, SIZE_CODE[8], bytes.length + terminator);
    new Uint8Array(this.builder.view.buffer, offset, bytes.length).set(bytes);
  }

  dataList(length: number, bits: DataBits): (index: number, raw: RawData) => void {
    const offset = this.#list(length, SIZE_CODE[bits], Math.ceil((length * bits) / 8));
    return (index, raw) => {
      writeRaw(this.builder.view, offset * 8 + index * bits, bits, raw);
    };
  }

  pointerList(length: number): (index: number) => PointerBuilder {
    const offset = this.#list(length, POINTER_CODE, length * 8);
    return (index) => new PointerBuilder(this.builder, offset + index * 8);
  }

  structList(length: number, dataWords: number, pointerCount: number): (index: number) => StructBuilder {
    const words = dataWords + pointerCount;
    const tag = this.#list(length * words, COMPOSITE_CODE, (length * words + 1) * 8);
    if (length > MAX_LIST_LENGTH) throw this.builder.invalid(`at most ${MAX_LIST_LENGTH} elements`, length);
    this.builder.view.setUint32(tag, length << 2, true);
    this.builder.view.setUint32(tag + 4, (dataWords | (pointerCount << 16)) >>> 0, true);
    return (index) => {
      const offset = tag + 8 + index * words * 8;
      return new StructBuilder(this.builder, offset, offset + dataWords * 8);
    };
  }

  capability(value: unknown): void {
    this.#set(3, this.builder.capabilities.push(value) - 1);
  }

  #list(count: number, code: number, bytes: number): number {
    if (count > MAX_LIST_LENGTH) throw this.builder.invalid(`at most ${MAX_LIST_LENGTH} elements`, count);
    const offset = this.builder.allocate(bytes);
    this.#set((this.#distanceTo(offset) << 2) | 1, (count << 3) | code);
    return offset;
  }

  #distanceTo(offset: number): number {
    return (offset - this.#offset) / 8 - 1;
  }

  #set(low: number, high: number): void {
    this.builder.view.setUint32(this.#offset, low >>> 0, true);
    this.builder.view.setUint32(this.#offset + 4, high >>> 0, true);
  }
}

function writeRaw(view: DataView, bitOffset: number, bits: DataBits, raw: RawData): void {
  const offset = bitOffset >>> 3;
  switch (bits) {
    case 0:
      return;
    case 1:
      if (raw === 1) view.setUint8(offset, view.getUint8(offset) | (1 << (bitOffset & 7)));
      return;
    case 8:
      view.setUint8(offset, Number(raw));
      return;
    case 16:
      view.setUint16(offset, Number(raw), true);
      return;
    case 32:
      view.setUint32(offset, Number(raw), true);
      return;
    case 64:
      view.setBigUint64(offset, BigInt(raw), true);
  }
}
