import { emitConst, emitEnum } from './emit-enum.js';
import { emitInterface } from './emit-interface.js';
import { emitStruct } from './emit-struct.js';
import type { Schema, SchemaFile, SchemaNode } from './model.js';
import { Names, importPath, outputPath } from './names.js';
import { Lines, quote } from './text.js';
import { TypeWriter } from './types.js';

export interface Output {
  /** Relative to the output directory. */
  readonly path: string;
  readonly text: string;
}

export interface EmitOptions {
  /** The runtime module, from the output directory: `../capnp/index.js`. */
  readonly runtime: string;
  /** Said in each file's first line: where the schema is, and what to run after changing it. */
  readonly origin: (schemaPath: string) => string;
}

/** All that is generated from a schema. Throws where a name can't be had in TypeScript. */
export function emit(schema: Schema, options: EmitOptions): Output[] {
  const names = new Names(schema);
  return schema.files.map((file) => emitFile(schema, file, names, options));
}

function emitFile(schema: Schema, file: SchemaFile, names: Names, options: EmitOptions): Output {
  const path = outputPath(file.path);
  const imports = new Imports(schema, file, path);
  const types = new TypeWriter(names, (id, name, typeOnly) => {
    imports.use(names.node(id), name, typeOnly);
  });
  const body = new Lines();
  for (const node of order(schema, file, names)) emitNode(body.add(''), node, types);

  const up = '../'.repeat(path.split('/').length - 1);
  const runtime = options.runtime.startsWith('.') ? up + options.runtime : options.runtime;
  const head = new Lines();
  head.add(`// ${options.origin(file.path)}`, '');
  const doc = schema.nodes.get(file.id)?.doc ?? '';
  head.doc(doc);
  if (doc !== '') head.add('');
  head.add(`import * as capnp from ${quote(runtime)};`, ...imports.lines());
  return { path, text: `${head.toString()}${body.toString()}` };
}

function emitNode(out: Lines, node: SchemaNode, types: TypeWriter): void {
  switch (node.body.kind) {
    case 'struct':
      emitStruct(out, node, node.body, types);
      break;
    case 'enum':
      emitEnum(out, node, node.body, types);
      break;
    case 'interface':
      emitInterface(out, node, node.body, types);
      break;
    case 'const':
      emitConst(out, node, node.body, types);
      break;
    case 'other':
  }
}

const RANK = { enum: 0, struct: 1, const: 2, interface: 3, other: 4 } as const;

/**
 * What is evaluated when a file is loaded comes after what it needs: descriptors after their
 * methods' structs, a class after the class that it extends.
 */
function order(schema: Schema, file: SchemaFile, names: Names): SchemaNode[] {
  const nodes = [...schema.nodes.values()].filter(
    (node) => node.fileId === file.id && node.body.kind !== 'other',
  );
  const depth = (node: SchemaNode): number => {
    if (node.body.kind !== 'interface') return 0;
    return 1 + Math.max(0, ...node.body.superclasses.map((id) => depth(names.node(id))));
  };
  return nodes.sort(
    (a, b) =>
      RANK[a.body.kind] - RANK[b.body.kind] || depth(a) - depth(b) || compare(names.of(a.id), names.of(b.id)),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Imports {
  readonly #schema: Schema;
  readonly #file: SchemaFile;
  readonly #path: string;
  /** By file, then by name: whether it is needed only as a type. */
  readonly #used = new Map<bigint, Map<string, boolean>>();

  constructor(schema: Schema, file: SchemaFile, path: string) {
    this.#schema = schema;
    this.#file = file;
    this.#path = path;
  }

  use(node: SchemaNode, name: string, typeOnly: boolean): void {
    if (node.fileId === this.#file.id) return;
    const names = this.#used.get(node.fileId) ?? new Map<string, boolean>();
    names.set(name, typeOnly && (names.get(name) ?? true));
    this.#used.set(node.fileId, names);
  }

  lines(): string[] {
    return this.#schema.files.flatMap((file) => {
      const names = [...(this.#used.get(file.id) ?? [])].sort(([a], [b]) => compare(a, b));
      const from = importPath(this.#path, outputPath(file.path));
      const line = (keyword: string, typeOnly: boolean): string[] => {
        const list = names.filter(([, only]) => only === typeOnly).map(([name]) => name);
        return list.length === 0 ? [] : [`${keyword} { ${list.join(', ')} } from ${quote(from)};`];
      };
      return [...line('import', false), ...line('import type', true)];
    });
  }
}
