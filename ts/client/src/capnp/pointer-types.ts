import type { PointerBuilder, StructBuilder } from './builder.js';
import type { DataType } from './data-types.js';
import { MalformedMessageError } from './errors.js';
import type { PointerReader } from './reader.js';
import type { StructCodec } from './struct.js';

/** A type that lives behind a pointer. `T` is what reading gives, `I` what writing takes. */
export interface PointerType<T, I = T> {
  readonly kind: 'pointer';
  /** Reads a null pointer too: as the type's empty value, or as undefined. */
  read(pointer: PointerReader): T;
  /** Throws `InvalidValueError`. */
  write(value: I, pointer: PointerBuilder): void;
}

/** A struct as a field, a list element, or a method's params or results. */
export interface StructType<T, I> extends PointerType<T | undefined, I> {
  readonly codec: () => StructCodec<T, I>;
}

const encoder = new TextEncoder();
// Bad UTF-8 from the other side becomes U+FFFD: an exit state is not lost to a torn message.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A null pointer reads as the empty string. */
export const text: PointerType<string> = {
  kind: 'pointer',
  read: (pointer) => {
    const bytes = pointer.bytes();
    if (bytes === undefined) return '';
    if (bytes[bytes.length - 1] !== 0) throw new MalformedMessageError('a text that does not end with NUL');
    return decoder.decode(bytes.subarray(0, -1));
  },
  write: (value, pointer) => {
    if (typeof value !== 'string') throw pointer.builder.invalid('a string', value);
    if (LONE_SURROGATE.test(value)) throw pointer.builder.invalid('a string without lone surrogates', value);
    pointer.bytes(encoder.encode(value), 1);
  },
};

/** Reads as a copy, which doesn't keep the message alive. A null pointer reads as no bytes. */
export const data: PointerType<Uint8Array> = {
  kind: 'pointer',
  read: (pointer) => pointer.bytes()?.slice() ?? new Uint8Array(0),
  write: (value, pointer) => {
    if (!(value instanceof Uint8Array)) throw pointer.builder.invalid('a Uint8Array', value);
    pointer.bytes(value, 0);
  },
};

/** A null pointer reads as undefined. */
export function struct<T, I>(codec: () => StructCodec<T, I>): StructType<T, I> {
  return {
    kind: 'pointer',
    codec,
    read: (pointer) => {
      const reader = pointer.struct();
      return reader === undefined ? undefined : codec().read(reader);
    },
    write: (value, pointer) => {
      const { dataWords, pointerCount } = codec();
      codec().write(value, pointer.struct(dataWords, pointerCount));
    },
  };
}

/** A null pointer reads as the empty list. */
export function list<T, I>(element: DataType<T, I> | PointerType<T, I>): PointerType<T[], readonly I[]> {
  return {
    kind: 'pointer',
    read: (pointer) => {
      const reader = pointer.list();
      if (reader === undefined) return [];
      const at =
        element.kind === 'data'
          ? (index: number) => element.decode(reader.data(index, element.bits))
          : (index: number) => element.read(reader.pointer(index));
      return Array.from({ length: reader.length }, (_, index) => at(index));
    },
    write: (values, pointer) => {
      const { builder } = pointer;
      requireArray(values, pointer);
      if (element.kind === 'data') {
        const set = pointer.dataList(values.length, element.bits);
        each(values, pointer, (value, index) => {
          set(index, element.encode(value, builder));
        });
      } else {
        const slot = pointer.pointerList(values.length);
        each(values, pointer, (value, index) => {
          element.write(value, slot(index));
        });
      }
    },
  };
}

/** A list of structs, which lie in the list itself: no element can be null. */
export function structList<T, I>(codec: () => StructCodec<T, I>): PointerType<T[], readonly I[]> {
  return {
    kind: 'pointer',
    read: (pointer) => {
      const reader = pointer.list();
      if (reader === undefined) return [];
      return Array.from({ length: reader.length }, (_, index) => codec().read(reader.struct(index)));
    },
    write: (values, pointer) => {
      requireArray(values, pointer);
      const { dataWords, pointerCount } = codec();
      const at: (index: number) => StructBuilder = pointer.structList(values.length, dataWords, pointerCount);
      each(values, pointer, (value, index) => {
        codec().write(value, at(index));
      });
    },
  };
}

function requireArray(value: unknown, pointer: PointerBuilder): void {
  if (!Array.isArray(value)) throw pointer.builder.invalid('an array', value);
}

function each<I>(
  values: readonly I[],
  pointer: PointerBuilder,
  write: (value: I, index: number) => void,
): void {
  // By index, since forEach skips holes and a hole must be an error.
  for (let index = 0; index < values.length; index++) {
    pointer.builder.within(index, () => {
      write(values[index] as I, index);
    });
  }
}
