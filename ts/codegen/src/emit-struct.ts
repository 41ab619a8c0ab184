import type { SchemaField, SchemaNode, StructBody } from './model.js';
import { id64, quote } from './text.js';
import type { Lines } from './text.js';
import { base64, isData } from './types.js';
import type { TypeWriter } from './types.js';

/** A struct or group: its two types and its codec. */
export function emitStruct(out: Lines, node: SchemaNode, body: StructBody, types: TypeWriter): void {
  if (body.discriminantOffset !== undefined && body.fields.some((field) => field.name === 'which')) {
    throw new Error(`${node.name}.which meets the name of the discriminant`);
  }
  const name = types.names.of(node.id);
  const doc = node.doc === '' ? describe(node, body) : node.doc;
  emitType(out.doc(doc), name, body, (field) => `${field.name}: ${memberType(field, types, 'read')};`, {
    open: `which: capnp.Unknown`,
    members: 'read',
    types,
  });
  out.add('').doc(`\`${name}\` as it is written: an absent member keeps its default.`);
  emitType(
    out,
    `${name}Init`,
    body,
    (field) => `${field.name}?: ${memberType(field, types, 'init')} | undefined;`,
    {
      open: `which?: undefined`,
      members: 'init',
      types,
    },
  );
  out.add('');
  emitCodec(out, name, node, body, types);
}

function describe(node: SchemaNode, body: StructBody): string {
  const implicit = /^(.*)\.([^.]+)\$(Params|Results)$/.exec(node.name);
  if (implicit !== null) return `${implicit[3] ?? ''} of \`${implicit[1] ?? ''}.${implicit[2] ?? ''}\`.`;
  return body.isGroup ? `The group \`${node.name}\`.` : '';
}

interface UnionStyle {
  /** What stands for no known member. */
  readonly open: string;
  readonly members: 'read' | 'init';
  readonly types: TypeWriter;
}

function emitType(
  out: Lines,
  name: string,
  body: StructBody,
  line: (field: SchemaField) => string,
  style: UnionStyle,
): void {
  const plain = body.fields.filter((field) => field.discriminant === undefined && !isVoid(field));
  const members = (): void => {
    for (const field of plain) out.doc(field.doc).add(line(field));
  };
  if (body.discriminantOffset === undefined) {
    if (plain.length === 0) out.add(`export type ${name} = capnp.NoMembers;`);
    else out.block(`export interface ${name} {`, '}', members);
    return;
  }
  if (plain.length === 0) out.add(`export type ${name} =`);
  else out.block(`export type ${name} = {`, '} & (', members);
  for (const field of unionMembers(body)) {
    out.block('| {', '}', () => {
      if (isVoid(field)) out.doc(field.doc);
      out.add(`which: ${quote(field.name)};`);
      if (!isVoid(field)) out.doc(field.doc).add(line(field));
    });
  }
  out.add(`  | { ${style.open} }${plain.length === 0 ? ';' : ''}`);
  if (plain.length > 0) out.add(');');
}

function emitCodec(out: Lines, name: string, node: SchemaNode, body: StructBody, types: TypeWriter): void {
  const kind = body.isGroup ? 'GroupCodec' : 'StructCodec';
  out.block(`export const ${name}: capnp.${kind}<${name}, ${name}Init> = capnp.structCodec({`, '});', () => {
    out.add(`name: ${quote(node.name)},`, `typeId: ${id64(node.id)},`);
    out.add(`dataWords: ${body.dataWords},`, `pointerCount: ${body.pointerCount},`);
    const plain = body.fields.filter((field) => field.discriminant === undefined && !isVoid(field));
    if (plain.length === 0) out.add('fields: () => ({}),');
    else {
      out.block('fields: () => ({', '}),', () => {
        for (const field of plain) out.add(`${field.name}: ${fieldExpression(field, types)},`);
      });
    }
    const { discriminantOffset } = body;
    if (discriminantOffset === undefined) return;
    out.block('union: {', '},', () => {
      out.add(`offset: ${discriminantOffset},`);
      out.block('members: () => [', '],', () => {
        for (const field of unionMembers(body))
          out.add(`[${quote(field.name)}, ${fieldExpression(field, types)}],`);
      });
    });
  });
}

/** In the order of their discriminants, which need not be that of the ordinals. */
function unionMembers(body: StructBody): SchemaField[] {
  const members = body.fields.filter((field) => field.discriminant !== undefined);
  return members.sort((a, b) => (a.discriminant ?? 0) - (b.discriminant ?? 0));
}

function memberType({ content }: SchemaField, types: TypeWriter, side: 'read' | 'init'): string {
  if (content.kind === 'group') return types.type(content.typeId, side === 'init' ? 'Init' : '');
  if (side === 'init') return types.init(content.type);
  const type = types.read(content.type);
  // With a default, null reads as that.
  return content.defaultValue?.kind === 'pointer' ? type.replace(/ \| undefined$/, '') : type;
}

function fieldExpression(field: SchemaField, types: TypeWriter): string {
  const { content } = field;
  if (content.kind === 'group') return `capnp.groupField(() => ${types.value(content.typeId)})`;
  if (isVoid(field)) return 'capnp.voidField';
  const { offset, type, defaultValue } = content;
  const codec = types.codec(type);
  if (isData(type)) {
    const literal =
      defaultValue === undefined || defaultValue.kind === 'pointer'
        ? ''
        : `, ${types.literal(type, defaultValue)}`;
    return `capnp.dataField(${offset}, ${codec}${literal})`;
  }
  const whole =
    defaultValue?.kind === 'pointer' ? `capnp.withDefault(${codec}, ${base64(defaultValue.segment)})` : codec;
  return `capnp.pointerField(${offset}, ${whole})`;
}

function isVoid({ content }: SchemaField): boolean {
  return content.kind === 'slot' && content.type.kind === 'void';
}
