import { dirname, relative } from 'node:path/posix';

import type { Schema, SchemaNode } from './model.js';

/** Types that generated code uses itself and that a declaration would hide. */
const TAKEN = new Set(['Promise', 'Uint8Array']);

/**
 * The TypeScript names of a schema's declarations.
 *
 * A declaration nested in an interface goes by its own name (`Podherd.ExitState` is `ExitState`),
 * one nested in a struct carries that struct's (`LogDriver.Type` is `LogDriverType`). Where two of
 * one file would meet, both take their full path.
 */
export class Names {
  readonly #schema: Schema;
  readonly #names = new Map<bigint, string>();

  constructor(schema: Schema) {
    this.#schema = schema;
    for (const file of schema.files) this.#nameFile(file.id);
  }

  of(id: bigint): string {
    const name = this.#names.get(id);
    if (name === undefined) {
      throw new Error(`${this.node(id).name} stands in a file that is not on the command line`);
    }
    return name;
  }

  node(id: bigint): SchemaNode {
    const node = this.#schema.nodes.get(id);
    if (node === undefined) throw new Error(`the request lacks node @0x${id.toString(16)}`);
    return node;
  }

  #nameFile(fileId: bigint): void {
    const nodes = [...this.#schema.nodes.values()].filter(
      (node) => node.fileId === fileId && node.body.kind !== 'other',
    );
    const shorts = nodes.map((node) => this.#short(node));
    const used = new Map<string, SchemaNode>();
    for (const node of nodes) {
      const short = this.#short(node);
      const shared = shorts.indexOf(short) !== shorts.lastIndexOf(short);
      const name = shared ? join(node, segments(node)) : short;
      const other = used.get(name);
      if (other !== undefined) throw new Error(`${node.name} and ${other.name} would both be called ${name}`);
      if (TAKEN.has(name)) throw new Error(`${node.name} would hide the ${name} of TypeScript`);
      used.set(name, node);
      this.#names.set(node.id, name);
    }
  }

  #short(node: SchemaNode): string {
    const path = segments(node);
    const interfaces = new Set(
      [...this.#schema.nodes.values()]
        .filter((each) => each.fileId === node.fileId && each.body.kind === 'interface')
        .map((each) => each.name),
    );
    let dropped = 0;
    while (dropped < path.length - 1 && interfaces.has(path.slice(0, dropped + 1).join('.'))) dropped++;
    return join(node, path.slice(dropped));
  }
}

/** `Podherd.start$Params` has the path Podherd, startParams. */
function segments(node: SchemaNode): string[] {
  return node.name.replace('$', '').split('.');
}

/** A constant begins as it does in the schema, everything else with a capital letter. */
function join(node: SchemaNode, path: readonly string[]): string {
  const capitals = path.map((part) => part.charAt(0).toUpperCase() + part.slice(1));
  const first = node.body.kind === 'const' ? path[0] : capitals[0];
  return [first, ...capitals.slice(1)].join('');
}

/** `dir/podherd.capnp` becomes `dir/podherd.ts`. */
export function outputPath(schemaPath: string): string {
  return schemaPath.replace(/^\//, '').replace(/\.capnp$/, '.ts');
}

/** The specifier by which one output imports another. */
export function importPath(from: string, to: string): string {
  const path = relative(dirname(from), to).replace(/\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}
