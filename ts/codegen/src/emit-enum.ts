import type { ConstBody, EnumBody, SchemaNode } from './model.js';
import { id64, quote } from './text.js';
import type { Lines } from './text.js';
import { base64 } from './types.js';
import type { TypeWriter } from './types.js';

/** An enum: the union of its names, and its runtime type, whose `names` lists them. */
export function emitEnum(out: Lines, node: SchemaNode, body: EnumBody, types: TypeWriter): void {
  const name = types.names.of(node.id);
  const names = body.enumerants.map((enumerant) => quote(enumerant.name));
  out.doc(describe(node, body)).add(`export type ${name} = ${names.join(' | ')};`);
  out.add('');
  out.add(
    `export const ${name}: capnp.EnumType<${name}> = capnp.enumeration(${quote(node.name)}, ${id64(node.id)}, [${names.join(', ')}]);`,
  );
}

/** Editors show no comments on members of a union type, so those of the enumerants go to its head. */
function describe(node: SchemaNode, body: EnumBody): string {
  const members = body.enumerants
    .filter(({ doc }) => doc !== '')
    .map(({ name, doc }) => `- \`${name}\`: ${doc.replaceAll('\n', '\n  ')}`);
  return [node.doc, members.join('\n')].filter((part) => part !== '').join('\n\n');
}

export function emitConst(out: Lines, node: SchemaNode, body: ConstBody, types: TypeWriter): void {
  const { type, value } = body;
  const expression =
    value.kind === 'pointer'
      ? `capnp.constant(${types.codec(type)}, ${base64(value.segment)})`
      : types.literal(type, value);
  const annotation = types.read(type).replace(/ \| (undefined|capnp\.Unknown)$/, '');
  out.doc(node.doc).add(`export const ${types.names.of(node.id)}: ${annotation} = ${expression};`);
}
