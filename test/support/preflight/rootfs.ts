import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const busybox = '/bin/busybox';
const applets = ['sh', 'true', 'env', 'cat', 'echo'];

/** A rootfs with a shell, and with commands that can't be executed for every reason. */
export function makeOddRootfs(path: string): void {
  const at = (name: string): string => join(path, name);
  for (const folder of [
    'bin',
    'dev',
    'etc',
    'proc',
    'sys',
    'tmp',
    'data',
    'private',
    'bin/directory',
    'usr/bin',
  ])
    mkdirSync(at(folder), { recursive: true });
  copyFileSync(busybox, at('bin/busybox'));
  for (const applet of applets) symlinkSync('busybox', at(`bin/${applet}`));
  symlinkSync('/bin/busybox', at('usr/bin/env'));
  const program = (name: string, content: string | Buffer, mode = 0o755): void => {
    writeFileSync(at(`bin/${name}`), content);
    chmodSync(at(`bin/${name}`), mode);
  };
  program('not-executable', '#!/bin/sh\necho RAN\n', 0o644);
  program('script', '#!/bin/sh\necho RAN\n');
  program('env-script', '#!/usr/bin/env sh\necho RAN\n');
  program('env-missing', '#!/usr/bin/env missing\n');
  program('no-interpreter', '#!/missing/interpreter\n');
  program('windows', '#!/bin/sh\r\necho RAN\r\n');
  program('directory-interpreter', '#!/bin/directory\n');
  program('plain', 'echo RAN\n');
  program('empty', '');
  program('long-line', `#!/${'x'.repeat(300)}\n`);
  program('nest0', '#!/bin/sh\necho RAN\n');
  for (let depth = 1; depth <= 5; depth++) program(`nest${depth}`, `#!/bin/nest${depth - 1}\n`);
  const elf = readFileSync(busybox);
  const patched = (offset: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(elf);
    copy.set(bytes, offset);
    return copy;
  };
  program('object', patched(16, 1, 0));
  program('other-machine', patched(18, process.arch === 'arm64' ? 62 : 183, 0));
  program('cut', elf.subarray(0, 70));
  program('no-loader', withLoader('/missing/loader.so'));
  program('bad-loader', withLoader('/bin/plain'));
  program('owned', elf, 0o700);
  chownSync(at('bin/owned'), 1000, 1000);
  copyFileSync(busybox, at('private/sh'));
  chmodSync(at('private'), 0o700);
  execFileSync('mkfifo', ['-m', '755', at('bin/fifo')]);
  symlinkSync('circle', at('bin/circle'));
  symlinkSync('/etc/passwd', at('bin/outside'));
  writeFileSync(at('etc/file'), '');
}

/** A rootfs as distributions have it today: /bin is a link to /usr/bin, and links are absolute. */
export function makeMergedRootfs(path: string): void {
  const at = (name: string): string => join(path, name);
  for (const folder of ['usr/bin', 'etc/alternatives', 'dev', 'proc', 'sys', 'tmp', 'run', 'var'])
    mkdirSync(at(folder), { recursive: true });
  symlinkSync('usr/bin', at('bin'));
  symlinkSync('/usr/bin', at('sbin'));
  symlinkSync('/run', at('var/run'));
  copyFileSync(busybox, at('usr/bin/busybox'));
  symlinkSync('/etc/alternatives/sh', at('usr/bin/sh'));
  symlinkSync('/usr/bin/../../bin/busybox', at('etc/alternatives/sh'));
  symlinkSync('../../../../../../bin/busybox', at('usr/bin/env'));
  writeFileSync(at('usr/bin/script'), '#!/usr/bin/env sh\necho RAN\n', { mode: 0o755 });
}

/** A program of 64 bits for this machine that wants this loader, and nothing else. */
function withLoader(loader: string): Buffer {
  const path = Buffer.from(`${loader}\0`);
  const head = Buffer.alloc(64 + 56);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(3, 64);
  head.writeBigUInt64LE(120n, 72);
  head.writeBigUInt64LE(BigInt(path.length), 96);
  return Buffer.concat([head, path]);
}
