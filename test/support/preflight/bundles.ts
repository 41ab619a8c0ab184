import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bundleConfig } from '../bundle.js';
import type { Ground } from '../ground.js';
import { serverBinary } from '../paths.js';
import { run, type Run } from '../run.js';
import { type Case, change, type Changes } from './cases.js';

/** What `podherd validate --json` prints of one thing. */
export interface Found {
  severity: 'error' | 'warning';
  code: string;
  place: string;
  message: string;
}

/** A bundle that says RAN, changed. */
export function writeChanged(ground: Ground, name: string, rootfs: string, changes: Changes = {}): string {
  const config = bundleConfig({
    args: ['sh', '-c', 'echo RAN'],
    rootfs,
    cgroupsPath: `/${ground.cgroup}/${name}`,
  });
  // Parts of it are shared with other bundles.
  const own = JSON.parse(JSON.stringify(config)) as object;
  change(own, changes);
  const text = JSON.stringify(own).replaceAll('ROOTFS', rootfs).replaceAll('RUNTIME', ground.runtime.name);
  return write(ground, name, text);
}

/** The bundle of a case. */
export function writeCase(ground: Ground, { changes, text }: Case, rootfs: string, name = 'case'): string {
  return text === undefined ? writeChanged(ground, name, rootfs, changes) : write(ground, name, text);
}

export function write(ground: Ground, name: string, text: string): string {
  const bundle = join(ground.folder, 'bundles', name);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, 'config.json'), text);
  return bundle;
}

/** Runs `podherd validate`. */
export function validate(...args: string[]): Promise<Run> {
  return run(serverBinary, ['validate', ...args]);
}

/** What it finds for this runtime. */
export async function findings(bundle: string, ...args: string[]): Promise<Found[]> {
  const { stdout, stderr } = await validate('--json', ...args, bundle);
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { findings: Found[] }).findings;
}

/** Whether the runtime itself, asked directly, brings the command of a bundle to run. */
export async function runs(ground: Ground, bundle: string): Promise<{ ran: boolean; said: string }> {
  const { path } = ground.runtime;
  const root = `--root=${ground.runtimeRoot}`;
  const id = ground.newId();
  const { code, stdout, stderr } = await run(path, [root, 'run', '--bundle', bundle, id]);
  await run(path, [root, 'delete', '--force', id]);
  return { ran: stdout.includes('RAN'), said: `exit ${code}: ${stdout}${stderr}` };
}
