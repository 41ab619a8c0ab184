import { Builder } from './builder.js';
import type { StructBuilder } from './builder.js';
import type { DataType, Unknown } from './data-types.js';
import type { PointerType } from './pointer-types.js';
import type { RawData, StructReader } from './reader.js';

/** Reads a struct of the schema as a plain object, and writes a checked plain object as one. */
export interface StructCodec<T, I> {
  /** As in the schema: `Podherd.ExitState`. */
  readonly name: string;
  readonly typeId: bigint;
  readonly dataWords: number;
  readonly pointerCount: number;
  read(reader: StructReader): T;
  /** Throws `InvalidValueError` at the first value that the schema does not allow. */
  write(value: I, builder: StructBuilder): void;
}

/** A group's codec: it reads and writes the sections of the struct that it is in. */
export type GroupCodec<T, I> = StructCodec<T, I>;

/** One member of a struct. */
export interface Field {
  read(reader: StructReader): unknown;
  write(value: unknown, builder: StructBuilder): void;
}

export interface StructSpec {
  readonly name: string;
  readonly typeId: bigint;
  readonly dataWords: number;
  readonly pointerCount: number;
  /** A function, because the types that fields name may be declared later. */
  readonly fields: () => Readonly<Record<string, Field>>;
  readonly union?: UnionSpec;
}

export interface UnionSpec {
  /** Of the discriminant, in units of 16 bits. */
  readonly offset: number;
  /** In the order of their discriminants. Each key of an object is its own name or `which`. */
  readonly members: () => readonly (readonly [name: string, field: Field])[];
}

/** A member in the data section; `index` counts in units of its own width. */
export function dataField<T, I>(index: number, type: DataType<T, I>, defaultValue?: I): Field {
  const { bits } = type;
  const mask = defaultValue === undefined ? 0 : type.encode(defaultValue, new Builder('default'));
  const flip = (raw: RawData): RawData => {
    if (typeof mask === 'bigint') return BigInt(raw) ^ mask;
    return mask === 0 ? raw : (Number(raw) ^ mask) >>> 0;
  };
  return {
    read: (reader) => type.decode(flip(reader.data(index, bits))),
    write: (value, struct) => {
      struct.data(index, bits, flip(type.encode(value as I, struct.builder)));
    },
  };
}

/** A member in the pointer section. */
export function pointerField<T, I>(index: number, type: PointerType<T, I>): Field {
  return {
    read: (reader) => type.read(reader.pointer(index)),
    write: (value, struct) => {
      type.write(value as I, struct.pointer(index));
    },
  };
}

export function groupField<T, I>(codec: () => GroupCodec<T, I>): Field {
  return {
    read: (reader) => codec().read(reader),
    write: (value, struct) => {
      codec().write(value as I, struct);
    },
  };
}

/** A member without a value: its name in `which` says everything. */
export const voidField: Field = { read: () => undefined, write: () => undefined };

/** Make the codec of a struct from its table. */
export function structCodec<T, I>(spec: StructSpec): StructCodec<T, I> {
  let table: Table | undefined;
  return {
    name: spec.name,
    typeId: spec.typeId,
    dataWords: spec.dataWords,
    pointerCount: spec.pointerCount,
    read: (reader) => read((table ??= tableOf(spec)), reader) as T,
    write: (value, builder) => {
      write((table ??= tableOf(spec)), value, builder);
    },
  };
}

interface Table {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly union?: { readonly offset: number; readonly members: readonly (readonly [string, Field])[] };
}

function tableOf({ name, fields, union }: StructSpec): Table {
  const table = { name, fields: new Map(Object.entries(fields())) };
  return union === undefined
    ? table
    : { ...table, union: { offset: union.offset, members: union.members() } };
}

function read({ fields, union }: Table, reader: StructReader): object {
  const value: Record<string, unknown> = {};
  for (const [name, field] of fields) value[name] = field.read(reader);
  if (union === undefined) return value;
  const discriminant = Number(reader.data(union.offset, 16));
  const member = union.members[discriminant];
  if (member === undefined) return { ...value, which: `unknown(${discriminant})` satisfies Unknown };
  const [name, field] = member;
  value['which'] = name;
  if (field !== voidField) value[name] = field.read(reader);
  return value;
}

function write(table: Table, value: unknown, struct: StructBuilder): void {
  const { builder } = struct;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw builder.invalid(`an object (${table.name})`, value);
  }
  const { fields, union } = table;
  const chosen = union === undefined ? undefined : choose(union.members, value, struct);
  if (union !== undefined && chosen !== undefined) struct.data(union.offset, 16, chosen.discriminant);
  for (const [key, member] of Object.entries(value) as [string, unknown][]) {
    if (key === 'which' && union !== undefined) continue;
    const field = key === chosen?.name ? chosen.field : fields.get(key);
    // An absent member keeps its default, and one set to undefined counts as absent.
    if (member === undefined && (field !== undefined || isMember(union?.members, key))) continue;
    builder.within(key, () => {
      if (field === undefined || field === voidField)
        throw builder.invalid(`no such member of ${table.name}`, member);
      field.write(member, struct);
    });
  }
}

interface Chosen {
  readonly discriminant: number;
  readonly name: string;
  readonly field: Field;
}

/** The union's member that `which` names. Without `which` it is the first, with its default. */
function choose(
  members: readonly (readonly [string, Field])[],
  value: object,
  struct: StructBuilder,
): Chosen | undefined {
  const which: unknown = (value as { which?: unknown }).which;
  if (which === undefined) return undefined;
  const discriminant = members.findIndex(([name]) => name === which);
  const member = members[discriminant];
  if (member === undefined) {
    struct.builder.within('which', () => {
      throw struct.builder.invalid(`one of ${members.map(([name]) => name).join(', ')}`, which);
    });
    return undefined;
  }
  return { discriminant, name: member[0], field: member[1] };
}

function isMember(members: readonly (readonly [string, Field])[] | undefined, key: string): boolean {
  return members?.some(([name]) => name === key) ?? false;
}

/** A struct without members, for now: a later schema may add some. */
export type NoMembers = Record<string, never>;

/** Results of a `-> stream` method: none. The struct is declared by Cap'n Proto itself. */
export const StreamResult: StructCodec<NoMembers, NoMembers> = structCodec({
  name: 'StreamResult',
  typeId: 0x995f9a3377c0b16en,
  dataWords: 0,
  pointerCount: 0,
  fields: () => ({}),
});
