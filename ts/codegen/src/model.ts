/**
 * A schema as the emitters see it: plain objects, every list in the order of the ordinals.
 * `request.ts` makes it from what `capnp compile` writes.
 */

export interface Schema {
  readonly files: readonly SchemaFile[];
  readonly nodes: ReadonlyMap<bigint, SchemaNode>;
}

/** A file that was named on the command line, so that code is generated for it. */
export interface SchemaFile {
  readonly id: bigint;
  /** As given to the compiler: `podherd.capnp`. */
  readonly path: string;
}

export interface SchemaNode {
  readonly id: bigint;
  /** Without the file: `Podherd.ExitState`. */
  readonly name: string;
  /** The file that it is declared in. */
  readonly fileId: bigint;
  readonly doc: string;
  readonly body: StructBody | EnumBody | InterfaceBody | ConstBody | OtherBody;
}

export interface StructBody {
  readonly kind: 'struct';
  readonly dataWords: number;
  readonly pointerCount: number;
  readonly isGroup: boolean;
  /** Of the union's discriminant in units of 16 bits; undefined where there is no union. */
  readonly discriminantOffset: number | undefined;
  readonly fields: readonly SchemaField[];
}

export interface SchemaField {
  readonly name: string;
  readonly doc: string;
  /** Undefined for a member outside of the union. */
  readonly discriminant: number | undefined;
  readonly content: SlotContent | GroupContent;
}

export interface SlotContent {
  readonly kind: 'slot';
  readonly offset: number;
  readonly type: SchemaType;
  /** Undefined where the default is the type's zero or null. */
  readonly defaultValue: SchemaValue | undefined;
}

export interface GroupContent {
  readonly kind: 'group';
  readonly typeId: bigint;
}

export interface EnumBody {
  readonly kind: 'enum';
  readonly enumerants: readonly { readonly name: string; readonly doc: string }[];
}

export interface InterfaceBody {
  readonly kind: 'interface';
  readonly superclasses: readonly bigint[];
  readonly methods: readonly SchemaMethod[];
}

export interface SchemaMethod {
  readonly name: string;
  readonly doc: string;
  readonly params: bigint;
  readonly results: bigint;
}

export interface ConstBody {
  readonly kind: 'const';
  readonly type: SchemaType;
  readonly value: SchemaValue;
}

/** Files and annotations, for which nothing is generated. */
export interface OtherBody {
  readonly kind: 'other';
}

export type ScalarKind =
  | 'void'
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'text'
  | 'data'
  /** Also a generic struct's type parameter. */
  | 'anyPointer';

export type SchemaType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly element: SchemaType }
  | { readonly kind: 'enum' | 'struct' | 'interface'; readonly id: bigint };

export type SchemaValue =
  | { readonly kind: 'number'; readonly value: number | bigint | boolean }
  | { readonly kind: 'enum'; readonly ordinal: number }
  /** A root pointer and what it points to, as one segment. */
  | { readonly kind: 'pointer'; readonly segment: Uint8Array };
