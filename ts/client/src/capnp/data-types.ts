import type { Builder } from './builder.js';
import type { DataBits, RawData } from './reader.js';

/**
 * A type that lives in a data section. `T` is what reading gives, `I` what writing takes.
 *
 * Fields hold the value XOR their default, so both directions go through the raw bits.
 */
export interface DataType<T, I = T> {
  readonly kind: 'data';
  readonly bits: DataBits;
  decode(raw: RawData): T;
  /** The bits of a checked value. Throws `InvalidValueError`. */
  encode(value: I, builder: Builder): RawData;
}

function integer(bits: 8 | 16 | 32, signed: boolean): DataType<number> {
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const max = 2 ** (signed ? bits - 1 : bits) - 1;
  return {
    kind: 'data',
    bits,
    decode: (raw) => (signed && Number(raw) > max ? Number(raw) - 2 ** bits : Number(raw)),
    encode: (value, builder) => {
      if (!Number.isInteger(value) || value < min || value > max) {
        throw builder.invalid(`an integer from ${min} to ${max}`, value);
      }
      return value < 0 ? value + 2 ** bits : value + 0;
    },
  };
}

function bigInteger(signed: boolean): DataType<bigint, bigint | number> {
  const min = signed ? -(2n ** 63n) : 0n;
  const max = 2n ** (signed ? 63n : 64n) - 1n;
  return {
    kind: 'data',
    bits: 64,
    decode: (raw) => (signed ? BigInt.asIntN(64, BigInt(raw)) : BigInt(raw)),
    encode: (value, builder) => {
      const exact = typeof value === 'bigint' || Number.isSafeInteger(value);
      if (!exact || value < min || value > max) {
        throw builder.invalid(`a bigint, or a safe integer, from ${min} to ${max}`, value);
      }
      return BigInt.asUintN(64, BigInt(value));
    },
  };
}

export const int8 = integer(8, true);
export const int16 = integer(16, true);
export const int32 = integer(32, true);
export const uint8 = integer(8, false);
export const uint16 = integer(16, false);
export const uint32 = integer(32, false);
export const int64 = bigInteger(true);
export const uint64 = bigInteger(false);

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;
const scratch = new DataView(new ArrayBuffer(8));

/** Rounds to the nearest that 32 bits hold; a finite number beyond their range is refused. */
export const float32: DataType<number> = {
  kind: 'data',
  bits: 32,
  decode: (raw) => {
    scratch.setUint32(0, Number(raw));
    return scratch.getFloat32(0);
  },
  encode: (value, builder) => {
    if (typeof value !== 'number' || (Number.isFinite(value) && Math.abs(value) > FLOAT32_MAX)) {
      throw builder.invalid('a number that fits 32-bit floating point', value);
    }
    scratch.setFloat32(0, value);
    return scratch.getUint32(0);
  },
};

export const float64: DataType<number> = {
  kind: 'data',
  bits: 64,
  decode: (raw) => {
    scratch.setBigUint64(0, BigInt(raw));
    return scratch.getFloat64(0);
  },
  encode: (value, builder) => {
    if (typeof value !== 'number') throw builder.invalid('a number', value);
    scratch.setFloat64(0, value);
    return scratch.getBigUint64(0);
  },
};

export const bool: DataType<boolean> = {
  kind: 'data',
  bits: 1,
  decode: (raw) => raw === 1,
  encode: (value, builder) => {
    if (typeof value !== 'boolean') throw builder.invalid('a boolean', value);
    return value ? 1 : 0;
  },
};

/** A member without a value. Only lists and unions have it as a type. */
export const nothing: DataType<undefined> = {
  kind: 'data',
  bits: 0,
  decode: () => undefined,
  encode: (value, builder) => {
    if (value !== undefined) throw builder.invalid('nothing', value);
    return 0;
  },
};

/**
 * What an enum value or a union's `which` reads as when it was sent by a schema newer than ours:
 * its ordinal, as in `unknown(7)`. No name of a schema has parentheses. It can't be written.
 */
export type Unknown = `unknown(${number})`;

/** Whether a value is one that our schema has no name for. */
export function isUnknown(name: string): name is Unknown {
  return name.startsWith('unknown(');
}

/** An enum of the schema. */
export interface EnumType<N extends string> extends DataType<N | Unknown, N> {
  readonly name: string;
  readonly typeId: bigint;
  /** Every name, in the order of their ordinals. */
  readonly names: readonly N[];
}

export function enumeration<N extends string>(
  name: string,
  typeId: bigint,
  names: readonly N[],
): EnumType<N> {
  const ordinals = new Map<string, number>(names.map((each, ordinal) => [each, ordinal]));
  return {
    kind: 'data',
    bits: 16,
    name,
    typeId,
    names,
    decode: (raw) => names[Number(raw)] ?? `unknown(${Number(raw)})`,
    encode: (value, builder) => {
      const ordinal = ordinals.get(value);
      if (ordinal === undefined) throw builder.invalid(`one of ${names.join(', ')}`, value);
      return ordinal;
    },
  };
}
