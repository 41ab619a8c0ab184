import { CompositeList, Message, ObjectSize, Struct } from 'capnp-ts';
import {
  CodeGeneratorRequest,
  Node,
  Node_SourceInfo,
  Type_Which,
  Value,
} from 'capnp-ts/src/std/schema.capnp.js';
import type { Field, Type } from 'capnp-ts/src/std/schema.capnp.js';

import { flatten } from './flatten.js';
import type { ScalarKind, Schema, SchemaField, SchemaNode, SchemaType, SchemaValue } from './model.js';

/*
 * capnp-ts knows a newer schema.capnp than capnp 0.9 writes, and its copying of list elements that
 * are smaller than it expects turns null pointers into others. These classes claim the older size,
 * so that nothing is copied; no member beyond it is used here.
 */
class AnyNode extends Node {
  static override readonly _capnp = { ...Node._capnp, size: new ObjectSize(40, 6) };
}
class AnySourceInfo extends Node_SourceInfo {
  static override readonly _capnp = { ...Node_SourceInfo._capnp, size: new ObjectSize(8, 2) };
}
const NODES = 0;
const SOURCE_INFO = 3;
const NO_DISCRIMINANT = 0xffff;
/** By the discriminant of `Type`. Those missing have a content of their own. */
const KINDS: Partial<Record<Type_Which, ScalarKind>> = {
  [Type_Which.VOID]: 'void',
  [Type_Which.BOOL]: 'bool',
  [Type_Which.INT8]: 'int8',
  [Type_Which.INT16]: 'int16',
  [Type_Which.INT32]: 'int32',
  [Type_Which.INT64]: 'int64',
  [Type_Which.UINT8]: 'uint8',
  [Type_Which.UINT16]: 'uint16',
  [Type_Which.UINT32]: 'uint32',
  [Type_Which.UINT64]: 'uint64',
  [Type_Which.FLOAT32]: 'float32',
  [Type_Which.FLOAT64]: 'float64',
  [Type_Which.TEXT]: 'text',
  [Type_Which.DATA]: 'data',
  [Type_Which.ANY_POINTER]: 'anyPointer',
};

/** Read an unpacked `CodeGeneratorRequest`, as `capnp compile -o-` writes it. */
export function readRequest(bytes: Uint8Array): Schema {
  const request = new Message(bytes, false).getRoot(CodeGeneratorRequest);
  const raw = Struct.getList(NODES, CompositeList(AnyNode), request).toArray();
  const sources = Struct.getList(SOURCE_INFO, CompositeList(AnySourceInfo), request).toArray();
  const docs = new Map(sources.map((source) => [source.getId(), readDocs(source)]));

  const scopes = scopesOf(raw);
  const nodes = raw.map((node) => readNode(node, scopes, docs.get(node.getId())));
  return {
    files: request
      .getRequestedFiles()
      .toArray()
      .map((file) => ({ id: file.getId(), path: file.getFilename() })),
    nodes: new Map(nodes.map((node) => [node.id, node])),
  };
}

interface Docs {
  readonly own: string;
  readonly members: readonly string[];
}

function readDocs(source: Node_SourceInfo): Docs {
  const members = source.getMembers().toArray();
  return {
    own: source.getDocComment().trim(),
    members: members.map((member) => member.getDocComment().trim()),
  };
}

/** Each node's scope. A method's own params and results have none of theirs: they get the interface's. */
function scopesOf(nodes: readonly Node[]): Map<bigint, bigint> {
  const scopes = new Map(nodes.map((node) => [node.getId(), node.getScopeId()]));
  for (const node of nodes) {
    if (!node.isInterface()) continue;
    for (const method of node.getInterface().getMethods().toArray()) {
      for (const id of [method.getParamStructType(), method.getResultStructType()]) {
        if (scopes.get(id) === 0n) scopes.set(id, node.getId());
      }
    }
  }
  return scopes;
}

function fileOf(id: bigint, scopes: ReadonlyMap<bigint, bigint>): bigint {
  const scope = scopes.get(id) ?? 0n;
  return scope === 0n ? id : fileOf(scope, scopes);
}

function readNode(node: Node, scopes: ReadonlyMap<bigint, bigint>, docs: Docs | undefined): SchemaNode {
  const displayName = node.getDisplayName();
  return {
    id: node.getId(),
    name: displayName.slice(displayName.lastIndexOf(':') + 1),
    fileId: fileOf(node.getId(), scopes),
    doc: docs?.own ?? '',
    body: readBody(node, docs?.members ?? []),
  };
}

function readBody(node: Node, docs: readonly string[]): SchemaNode['body'] {
  const doc = (index: number): string => docs[index] ?? '';
  if (node.isStruct()) {
    const struct = node.getStruct();
    return {
      kind: 'struct',
      dataWords: struct.getDataWordCount(),
      pointerCount: struct.getPointerCount(),
      isGroup: struct.getIsGroup(),
      discriminantOffset: struct.getDiscriminantCount() === 0 ? undefined : struct.getDiscriminantOffset(),
      fields: struct
        .getFields()
        .toArray()
        .map((field, index) => readField(field, doc(index))),
    };
  }
  if (node.isEnum()) {
    const enumerants = node.getEnum().getEnumerants().toArray();
    return {
      kind: 'enum',
      enumerants: enumerants.map((each, index) => ({ name: each.getName(), doc: doc(index) })),
    };
  }
  if (node.isInterface()) {
    const body = node.getInterface();
    return {
      kind: 'interface',
      superclasses: body
        .getSuperclasses()
        .toArray()
        .map((each) => each.getId()),
      methods: body
        .getMethods()
        .toArray()
        .map((method, index) => ({
          name: method.getName(),
          doc: doc(index),
          params: method.getParamStructType(),
          results: method.getResultStructType(),
        })),
    };
  }
  if (node.isConst()) {
    const value = readValue(node.getConst().getValue());
    if (value === undefined) throw new Error(`${node.getDisplayName()}: a constant without a value`);
    return { kind: 'const', type: readType(node.getConst().getType()), value };
  }
  return { kind: 'other' };
}

function readField(field: Field, doc: string): SchemaField {
  const discriminant = field.getDiscriminantValue();
  const common = {
    name: field.getName(),
    doc,
    discriminant: discriminant === NO_DISCRIMINANT ? undefined : discriminant,
  };
  if (field.isGroup()) return { ...common, content: { kind: 'group', typeId: field.getGroup().getTypeId() } };
  const slot = field.getSlot();
  const value = slot.getHadExplicitDefault() ? readValue(slot.getDefaultValue()) : undefined;
  return {
    ...common,
    content: { kind: 'slot', offset: slot.getOffset(), type: readType(slot.getType()), defaultValue: value },
  };
}

function readType(type: Type): SchemaType {
  if (type.isList()) return { kind: 'list', element: readType(type.getList().getElementType()) };
  if (type.isEnum()) return { kind: 'enum', id: type.getEnum().getTypeId() };
  if (type.isStruct()) return { kind: 'struct', id: type.getStruct().getTypeId() };
  if (type.isInterface()) return { kind: 'interface', id: type.getInterface().getTypeId() };
  const kind = KINDS[type.which()];
  if (kind === undefined)
    throw new Error(`a type of kind ${type.which()}, which this generator does not know`);
  return { kind };
}

function readValue(value: Value): SchemaValue | undefined {
  switch (value.which()) {
    case Value.VOID:
    case Value.INTERFACE:
      return undefined;
    case Value.BOOL:
      return { kind: 'number', value: value.getBool() };
    case Value.INT8:
      return { kind: 'number', value: value.getInt8() };
    case Value.INT16:
      return { kind: 'number', value: value.getInt16() };
    case Value.INT32:
      return { kind: 'number', value: value.getInt32() };
    case Value.INT64:
      return { kind: 'number', value: value.getInt64() };
    case Value.UINT8:
      return { kind: 'number', value: value.getUint8() };
    case Value.UINT16:
      return { kind: 'number', value: value.getUint16() };
    case Value.UINT32:
      return { kind: 'number', value: value.getUint32() };
    case Value.UINT64:
      return { kind: 'number', value: value.getUint64() };
    case Value.FLOAT32:
      return { kind: 'number', value: value.getFloat32() };
    case Value.FLOAT64:
      return { kind: 'number', value: value.getFloat64() };
    case Value.ENUM:
      return { kind: 'enum', ordinal: value.getEnum() };
    default: {
      const segment = flatten(Struct.getPointer(0, value));
      return segment === undefined ? undefined : { kind: 'pointer', segment };
    }
  }
}
