import type { SchemaType, SchemaValue } from './model.js';
import type { Names } from './names.js';
import { quote } from './text.js';

/** Turns the schema's types into TypeScript's, and notes which declarations they name. */
export class TypeWriter {
  readonly names: Names;
  readonly #use: (id: bigint, name: string, typeOnly: boolean) => void;

  /** `use` is told of each name that the text refers to, and whether only as a type. */
  constructor(names: Names, use: (id: bigint, name: string, typeOnly: boolean) => void) {
    this.names = names;
    this.#use = use;
  }

  /** A declaration's name, with a suffix where it is one of those made from it. */
  type(id: bigint, suffix = ''): string {
    return this.#name(id, suffix, true);
  }

  value(id: bigint, suffix = ''): string {
    return this.#name(id, suffix, false);
  }

  #name(id: bigint, suffix: string, typeOnly: boolean): string {
    const name = this.names.of(id) + suffix;
    this.#use(id, name, typeOnly);
    return name;
  }

  /** What reading gives. */
  read(type: SchemaType): string {
    switch (type.kind) {
      case 'struct':
        return `${this.type(type.id)} | undefined`;
      case 'interface':
        return `${this.type(type.id, 'Client')} | undefined`;
      case 'enum':
        return `${this.type(type.id)} | capnp.Unknown`;
      case 'anyPointer':
        return 'capnp.AnyPointer | undefined';
      case 'list':
        return `${group(this.#element(type.element))}[]`;
      default:
        return PLAIN[type.kind].read;
    }
  }

  /** A list's element; structs lie in the list itself, where none can be null. */
  #element(element: SchemaType): string {
    return element.kind === 'struct' ? this.type(element.id) : this.read(element);
  }

  /** What writing takes. */
  init(type: SchemaType): string {
    switch (type.kind) {
      case 'struct':
        return this.type(type.id, 'Init');
      case 'interface':
        return this.type(type.id, 'Capability');
      case 'enum':
        return this.type(type.id);
      case 'anyPointer':
        return 'capnp.AnyPointer';
      case 'list':
        return `readonly ${group(this.init(type.element))}[]`;
      default:
        return PLAIN[type.kind].init;
    }
  }

  /** The runtime's type, as an expression. */
  codec(type: SchemaType): string {
    switch (type.kind) {
      case 'struct':
        return `capnp.struct(() => ${this.value(type.id)})`;
      case 'interface':
        return `capnp.capability(() => ${this.value(type.id)}, () => ${this.value(type.id, 'Client')})`;
      case 'enum':
        return this.value(type.id);
      case 'list':
        if (type.element.kind === 'struct') return `capnp.structList(() => ${this.value(type.element.id)})`;
        return `capnp.list(${this.codec(type.element)})`;
      case 'void':
        return 'capnp.nothing';
      default:
        return `capnp.${type.kind}`;
    }
  }

  /** A value in the data section, as an expression. */
  literal(type: SchemaType, value: Exclude<SchemaValue, { kind: 'pointer' }>): string {
    if (value.kind === 'enum') {
      const body = type.kind === 'enum' ? this.names.node(type.id).body : undefined;
      const enumerant = body?.kind === 'enum' ? body.enumerants[value.ordinal] : undefined;
      if (enumerant === undefined) throw new Error(`an enum value ${value.ordinal} without a name`);
      return quote(enumerant.name);
    }
    if (typeof value.value === 'bigint') return `${value.value}n`;
    return Object.is(value.value, -0) ? '-0' : String(value.value);
  }
}

/** Whether a type lives in the data section. */
export function isData(type: SchemaType): boolean {
  return type.kind === 'enum' || (type.kind in PLAIN && type.kind !== 'text' && type.kind !== 'data');
}

export function base64(segment: Uint8Array): string {
  return quote(Buffer.from(segment).toString('base64'));
}

const NUMBER = { read: 'number', init: 'number' };
const BIGINT = { read: 'bigint', init: 'bigint | number' };
const PLAIN = {
  void: { read: 'undefined', init: 'undefined' },
  bool: { read: 'boolean', init: 'boolean' },
  int8: NUMBER,
  int16: NUMBER,
  int32: NUMBER,
  int64: BIGINT,
  uint8: NUMBER,
  uint16: NUMBER,
  uint32: NUMBER,
  uint64: BIGINT,
  float32: NUMBER,
  float64: NUMBER,
  text: { read: 'string', init: 'string' },
  data: { read: 'Uint8Array', init: 'Uint8Array' },
} as const;

function group(type: string): string {
  return /[| ]/.test(type) ? `(${type})` : type;
}
