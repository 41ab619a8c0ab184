import type { InterfaceBody, SchemaMethod, SchemaNode } from './model.js';
import { id64, quote } from './text.js';
import type { Lines } from './text.js';
import type { TypeWriter } from './types.js';

/** `capnp/stream.capnp`'s result of a `-> stream` method: no file of ours, but the runtime has it. */
const STREAM_RESULT = 0x995f_9a33_77c0_b16en;

/** Members of the runtime's client class, and one that would make a client a thenable. */
const RESERVED = new Set(['constructor', 'then', 'caller', 'descriptor']);

/** An interface: its descriptor, client, handlers, and the function that serves it. */
export function emitInterface(out: Lines, node: SchemaNode, body: InterfaceBody, types: TypeWriter): void {
  checkNames(node, types);
  const name = types.names.of(node.id);
  emitDescriptor(out, name, node, body, types);
  emitClient(out.add(''), name, node, body, types);
  emitHandlers(out.add(''), name, node, body, types);
  out
    .add('')
    .doc(
      `What a member of type \`${name}\` takes: a client of this connection, or an object that serves it.`,
    );
  out.add(`export type ${name}Capability = capnp.CapabilityInit<${name}Client, ${name}Handlers>;`);
  out.add('').doc(`Make handlers into an object that the other side can call as a \`${name}\`.`);
  const serve = `serve${name}`;
  out.block(
    `export function ${serve}(handlers: ${name}Handlers): capnp.LocalCapability<${name}Handlers> {`,
    '}',
    () => {
      out.add(`return new capnp.LocalCapability(${name}, handlers);`);
    },
  );
}

function emitDescriptor(
  out: Lines,
  name: string,
  node: SchemaNode,
  body: InterfaceBody,
  types: TypeWriter,
): void {
  out.doc(node.doc === '' ? `The interface \`${node.name}\`.` : node.doc);
  out.block(`export const ${name} = {`, '} satisfies capnp.InterfaceDescriptor;', () => {
    out.add(`name: ${quote(node.name)},`, `typeId: ${id64(node.id)},`);
    out.add(`superclasses: [${body.superclasses.map((id) => types.value(id)).join(', ')}],`);
    if (body.methods.length === 0) {
      out.add('methods: {},');
      return;
    }
    out.block('methods: {', '},', () => {
      body.methods.forEach((method, methodId) => {
        out.block(`${method.name}: {`, '},', () => {
          const streaming = method.results === STREAM_RESULT;
          out.add(`interfaceId: ${id64(node.id)},`, `interfaceName: ${quote(node.name)},`);
          out.add(`methodId: ${methodId},`, `methodName: ${quote(method.name)},`);
          out.add(`params: ${types.value(method.params)},`);
          out.add(`results: ${streaming ? 'capnp.StreamResult' : types.value(method.results)},`);
          out.add(`streaming: ${streaming},`);
        });
      });
    });
  });
}

function emitClient(
  out: Lines,
  name: string,
  node: SchemaNode,
  body: InterfaceBody,
  types: TypeWriter,
): void {
  const [base, ...others] = body.superclasses;
  const parent = base === undefined ? 'capnp.CapabilityClient' : types.value(base, 'Client');
  out.doc(`Calls \`${node.name}\` on the other side.`);
  out.block(`export class ${name}Client extends ${parent} {`, '}', () => {
    const descriptor = base === undefined ? 'capnp.InterfaceDescriptor' : 'capnp.InterfaceDescriptor';
    out.add(`override readonly descriptor: ${descriptor} = ${name};`);
    const inherited = base === undefined ? new Set<bigint>() : ancestry(base, types);
    const extra = others.flatMap((id) => [...ancestry(id, types)]).filter((id) => !inherited.has(id));
    for (const id of new Set([...extra, node.id])) emitClientMethods(out, id, types);
  });
}

function emitClientMethods(out: Lines, id: bigint, types: TypeWriter): void {
  const interfaceName = types.value(id);
  for (const method of interfaceBody(id, types).methods) {
    const params = `params: ${types.type(method.params, 'Init')}${isEmpty(method.params, types) ? ' = {}' : ''}`;
    const call = `this.caller.call(${interfaceName}.methods.${method.name}, params, options)`;
    out.add('').doc(method.doc);
    if (method.results === STREAM_RESULT) {
      out.block(`async ${method.name}(${params}, options?: capnp.CallOptions): Promise<void> {`, '}', () => {
        out.add(`await ${call};`);
      });
    } else {
      const results = types.type(method.results);
      out.block(`${method.name}(${params}, options?: capnp.CallOptions): Promise<${results}> {`, '}', () => {
        out.add(`return ${call};`);
      });
    }
  }
}

function emitHandlers(
  out: Lines,
  name: string,
  node: SchemaNode,
  body: InterfaceBody,
  types: TypeWriter,
): void {
  const parents = body.superclasses.map((id) => types.type(id, 'Handlers'));
  const heritage = parents.length === 0 ? '' : ` extends ${parents.join(', ')}`;
  out.doc(
    `Answers the calls to a \`${node.name}\` of ours. What a handler throws becomes the call's exception.`,
  );
  out.block(`export interface ${name}Handlers${heritage} {`, '}', () => {
    for (const method of body.methods) {
      out.doc(method.doc);
      const results = handlerResults(method, types);
      out.add(
        `${method.name}(params: ${types.type(method.params)}, context: capnp.CallContext): Promise<${results}> | ${results};`,
      );
    }
  });
}

function handlerResults(method: SchemaMethod, types: TypeWriter): string {
  if (method.results === STREAM_RESULT || isEmpty(method.results, types)) return 'void';
  return types.type(method.results, 'Init');
}

function isEmpty(id: bigint, types: TypeWriter): boolean {
  const { body } = types.names.node(id);
  return body.kind === 'struct' && body.fields.length === 0;
}

function interfaceBody(id: bigint, types: TypeWriter): InterfaceBody {
  const { body, name } = types.names.node(id);
  if (body.kind !== 'interface') throw new Error(`${name} is no interface`);
  return body;
}

/** An interface and all that it extends. */
function ancestry(id: bigint, types: TypeWriter): Set<bigint> {
  const above = interfaceBody(id, types).superclasses.flatMap((each) => [...ancestry(each, types)]);
  return new Set([...above, id]);
}

/** One object answers for all its interfaces, so that a name can mean only one of their methods. */
function checkNames(node: SchemaNode, types: TypeWriter): void {
  const owners = new Map<string, string>();
  for (const id of ancestry(node.id, types)) {
    const owner = types.names.node(id).name;
    for (const { name } of interfaceBody(id, types).methods) {
      const other = owners.get(name);
      if (other !== undefined) throw new Error(`${owner}.${name} hides ${other}.${name}`);
      if (RESERVED.has(name))
        throw new Error(`${owner}.${name} would break the generated client; name it otherwise`);
      owners.set(name, owner);
    }
  }
}
