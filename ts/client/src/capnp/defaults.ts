import { MalformedMessageError } from './errors.js';
import type { PointerType } from './pointer-types.js';
import { PointerReader } from './reader.js';
import { Segments } from './segments.js';

/**
 * A constant of the schema, from the segment that the schema's compiler built: Base64 of a root
 * pointer and its content. Decoded at each call, so that nobody can change another one's value.
 */
export function constant<T>(type: PointerType<T, never>, segment: string): NonNullable<T> {
  const bytes = Uint8Array.from(atob(segment), (char) => char.charCodeAt(0));
  const segments = new Segments([new DataView(bytes.buffer)], () => undefined);
  const value = type.read(PointerReader.at(segments, 0, 0));
  if (value === undefined || value === null) throw new MalformedMessageError('a constant without a value');
  return value;
}

/** A type with a default other than its empty value: a null pointer reads as that. */
export function withDefault<T, I>(type: PointerType<T, I>, segment: string): PointerType<NonNullable<T>, I> {
  return {
    kind: 'pointer',
    read: (pointer) => (pointer.isNull ? constant(type, segment) : (type.read(pointer) as NonNullable<T>)),
    write: (value, pointer) => {
      type.write(value, pointer);
    },
  };
}
