// Measures what a Node program has of the server through @podherd/client: how soon it learns of an end (`events`), and
// what a call costs (`calls`). `scripts/bench events calls` builds what is needed and runs this; see docs/promises.md.

import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Pod } from '@podherd/client';
import { measureCalls } from './calls.mjs';
import { measureEvents } from './events.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string' },
    runtime: { type: 'string', default: '/usr/sbin/runc' },
    ends: { type: 'string', default: '500' },
    calls: { type: 'string', default: '20000' },
  },
});

const folder = mkdtempSync(path.join(tmpdir(), 'podherd-bench-'));
const cgroup = `podherd-bench-${process.pid}`;
const runtimeRoot = path.join(folder, 'root');
mkdirSync(runtimeRoot);
const pod = await Pod.start({
  serverPath: values.server,
  runtime: values.runtime,
  runtimeDir: path.join(folder, 'run'),
  runtimeRoot,
});
let reached = true;
try {
  if (positionals.includes('events'))
    reached &&= await measureEvents(pod, { folder, cgroup, ends: Number(values.ends) });
  if (positionals.includes('calls')) await measureCalls(pod, { calls: Number(values.calls) });
} finally {
  await pod.close();
  rmSync(folder, { recursive: true, force: true });
  removeCgroup();
}
console.log(reached ? '\nall goals reached' : '\nnot all goals are reached');

/** The runtime removes the containers' own; what held them is ours. */
function removeCgroup() {
  const root = '/sys/fs/cgroup';
  for (const place of ['.', ...readdirSync(root)]) {
    try {
      rmdirSync(path.join(root, place, cgroup));
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(error.code)) throw error;
    }
  }
}
