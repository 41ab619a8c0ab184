import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { fixture } from './paths.js';
import { output } from './run.js';

/** Where Debian's busybox-static puts the one program that the rootfs needs. */
const busybox = '/bin/busybox';

/**
 * Makes a root file system of one static busybox with its applets, and the `workload` program. All bundles share
 * it, since containers see it read-only.
 */
export async function makeRootfs(path: string): Promise<void> {
  for (const folder of ['bin', 'proc', 'dev', 'sys', 'tmp', 'data', 'etc']) {
    mkdirSync(join(path, folder), { recursive: true });
  }
  copyFileSync(busybox, join(path, 'bin/busybox'));
  for (const program of ['workload', 'tcp-server'] as const)
    copyFileSync(fixture(program), join(path, 'bin', program));
  writeFileSync(join(path, 'bin/not-executable'), 'there, and without the right to execute\n', {
    mode: 0o644,
  });
  const applets = (await output(busybox, ['--list']))
    .split('\n')
    .filter((name) => name !== '' && name !== 'busybox');
  for (const applet of applets) symlinkSync('busybox', join(path, 'bin', applet));
}
