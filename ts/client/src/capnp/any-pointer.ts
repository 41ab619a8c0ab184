import type { PointerBuilder } from './builder.js';
import type { PointerType } from './pointer-types.js';
import type { PointerReader } from './reader.js';

/** A member whose type the schema leaves open (`AnyPointer`, or a parameter of a generic struct). */
export class AnyPointer {
  readonly #read: (type: PointerType<unknown, never>) => unknown;
  readonly #write: ((pointer: PointerBuilder) => void) | undefined;

  private constructor(
    read: (type: PointerType<unknown, never>) => unknown,
    write: ((pointer: PointerBuilder) => void) | undefined,
  ) {
    this.#read = read;
    this.#write = write;
  }

  /** A value to be written, checked as its type demands. */
  static of<T, I>(type: PointerType<T, I>, value: I): AnyPointer {
    const unread = (): never => {
      throw new Error('this value was made for writing, and can be read only where it arrives');
    };
    return new AnyPointer(unread, (pointer) => {
      type.write(value, pointer);
    });
  }

  /** Used by the runtime: a value that was received. */
  static received(pointer: PointerReader): AnyPointer {
    return new AnyPointer((type) => type.read(pointer), undefined);
  }

  /** Read a received value as a type. Throws `MalformedMessageError` when it is of another kind. */
  read<T>(type: PointerType<T, never>): T {
    return this.#read(type) as T;
  }

  /** Used by the runtime. False for a value that was received, which can't be sent on. */
  write(pointer: PointerBuilder): boolean {
    this.#write?.(pointer);
    return this.#write !== undefined;
  }
}

/** A null pointer reads as undefined. */
export const anyPointer: PointerType<AnyPointer | undefined, AnyPointer> = {
  kind: 'pointer',
  read: (pointer) => (pointer.isNull ? undefined : AnyPointer.received(pointer)),
  write: (value, pointer) => {
    if (!(value instanceof AnyPointer) || !value.write(pointer)) {
      throw pointer.builder.invalid('a value made by AnyPointer.of', value);
    }
  },
};
