import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Where the schemas of these tests are; the official tool runs there. */
export const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));

/** Run Cap'n Proto's own tool, the other implementation that ours is held against. */
export function capnp(args: readonly string[], input: Uint8Array | string = ''): Buffer {
  const { error, status, stdout, stderr } = spawnSync('capnp', args, {
    cwd: FIXTURES,
    env: { ...process.env, PWD: FIXTURES },
    input,
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) {
    throw new Error('this test needs the Cap’n Proto compiler: apt-get install capnproto', { cause: error });
  }
  if (status !== 0) throw new Error(`capnp ${args.join(' ')}: ${stderr.toString()}`);
  return stdout;
}

/** A message from its text form. Small segments force far pointers. */
export function encodeText(file: string, type: string, text: string, segmentWords?: number): Buffer {
  const segments = segmentWords === undefined ? [] : [`--segment-size=${segmentWords}`];
  return capnp(['encode', '-I', '../../../../schema/include', ...segments, file, type], text);
}

/** A message in the one form that equal messages share. */
export function canonical(file: string, type: string, message: Uint8Array): Buffer {
  return capnp(
    ['convert', '--quiet', '-I', '../../../../schema/include', 'binary:canonical', file, type],
    message,
  );
}

/** The `CodeGeneratorRequest` of a file of these tests. */
export function compile(...files: readonly string[]): Buffer {
  return capnp(['compile', '-I', '../../../../schema/include', '-o-', ...files]);
}
