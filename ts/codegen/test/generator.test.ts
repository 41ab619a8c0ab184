/** What the generator itself promises of its output. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { emit } from '../src/emit-file.js';
import { readRequest } from '../src/request.js';
import { capnp, compile } from './capnp-tool.js';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FILES = ['base.capnp', 'everything.capnp', 'newer.capnp', 'older.capnp'];

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'podherd-codegen-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const options = { runtime: '../capnp/index.js', origin: (path: string) => `from ${path}` };

/** Generate from one schema file given as text. */
function generate(schema: string): string {
  const file = join(directory, 'trial.capnp');
  writeFileSync(file, `@0xf3b1a5c7d9e02468;\n${schema}`);
  const outputs = emit(
    readRequest(capnp(['compile', '-I', '../../../../schema/include', '-o-', file])),
    options,
  );
  return outputs.map(({ text }) => text).join('');
}

describe('the command', () => {
  test('writes what is committed for these tests', () => {
    execFileSync(
      'npx',
      ['--no-install', 'tsc', '-p', 'tsconfig.build.json', '--outDir', join(PACKAGE, 'dist')],
      {
        cwd: PACKAGE,
      },
    );
    const args = [
      join(PACKAGE, 'dist/main.js'),
      directory,
      '../../../client/src/capnp/index.js',
      'ts/codegen/test/fixtures',
    ];
    execFileSync('node', args, { input: compile(...FILES), cwd: ROOT });
    for (const file of FILES) {
      const name = file.replace('.capnp', '.ts');
      const committed = readFileSync(join(PACKAGE, 'test/generated', name), 'utf8');
      expect(readFileSync(join(directory, name), 'utf8'), 'run npm run generate').toBe(committed);
    }
  });

  test('says how it is used when it is given no directory', () => {
    const { status, stderr } = spawnSync('node', [join(PACKAGE, 'dist/main.js')], { input: '' });
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(/^usage: /);
  });
});

describe('the output', () => {
  test('compiles under the strict flags of this repository', () => {
    const config = join(directory, 'tsconfig.json');
    const generated = join(PACKAGE, 'test/generated/*.ts');
    const types = join(ROOT, 'node_modules/@types');
    writeFileSync(
      config,
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.base.json'),
        compilerOptions: { noEmit: true, typeRoots: [types], noUnusedLocals: true, noUnusedParameters: true },
        include: [generated],
      }),
    );
    const { stdout } = spawnSync('npx', ['--no-install', 'tsc', '-p', config], { cwd: ROOT });
    expect(stdout.toString()).toBe('');
  });

  test('carries the documentation of the schema', () => {
    const text = generate(`
      # About the file.
      struct Thing {
          # About the thing.
          #
          # In two paragraphs. */
          a @0 :Text;
          # About a.
          b @1 :Text;
      }`);
    expect(text).toContain(
      ' * About the thing.\n *\n * In two paragraphs. *\\/\n */\nexport interface Thing {',
    );
    expect(text).toContain('  /** About a. */\n  a: string;\n  b: string;');
  });

  test('gives two declarations of the same name their full paths', () => {
    const text = generate(`
      interface A { struct State { x @0 :Void; } }
      interface B { struct State { x @0 :Void; } struct Alone { x @0 :Void; } }`);
    expect(text).toContain('export type AState =');
    expect(text).toContain('export type BState =');
    expect(text).toContain('export type Alone =');
  });
});

test.each([
  ['a method that would make a client a thenable', 'interface A { then @0 (); }', 'A.then would break'],
  [
    'a method that hides an inherited one',
    'interface A { go @0 (); } interface B extends(A) { go @0 (); }',
    'B.go hides A.go',
  ],
  ['a name that TypeScript needs', 'struct Promise { a @0 :Text; }', 'Promise would hide'],
  [
    'a member called which beside a union',
    'struct A { which @0 :Text; union { a @1 :Text; b @2 :Text; } }',
    'A.which meets the name of the discriminant',
  ],
  [
    'two names that become one',
    'struct AB { struct C {} } struct A { struct BC {} }',
    'would both be called ABC',
  ],
  [
    'an import that is not generated along',
    'using S = import "/capnp/stream.capnp"; struct A { a @0 :S.StreamResult; }',
    'not on the command line',
  ],
])('refuses %s', (_, schema, message) => {
  expect(() => generate(schema)).toThrow(message);
});
