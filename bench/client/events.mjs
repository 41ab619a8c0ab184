// From the death of a container to the event in the program. The moment of the death is taken on this machine's
// monotonic clock right before kill(2) sends the SIGKILL, so the kernel's own time to end the process and its
// namespaces is part of the figure.

import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Bundle } from '@podherd/client/bundle';
import { milliseconds, quantile, report } from './samples.mjs';

const GOALS = { median: 2, p99: 10 };
/** Containers that run at once while one of them is killed. */
const BATCH = 20;

/** Measures, prints, and tells whether the goals are reached. */
export async function measureEvents(pod, { folder, cgroup, ends }) {
  const rootfs = makeRootfs(folder);
  const events = pod.events();
  await events.ready();
  const samples = [];
  while (samples.length < ends) {
    const batch = [];
    for (let index = 0; index < Math.min(BATCH, ends - samples.length); index++)
      batch.push(await startOne(pod, `end-${samples.length + index}`, { folder, cgroup, rootfs }));
    for (const { id, pid, container } of batch) {
      const died = process.hrtime.bigint();
      process.kill(pid, 'SIGKILL');
      for await (const event of loop(events)) {
        if (event.type === 'gap') throw new Error('events were lost');
        if (event.type === 'exited' && event.containerId === id) break;
      }
      samples.push(Number(process.hrtime.bigint() - died) / 1e6);
      await container.delete();
    }
  }
  await events.return();
  const median = quantile(samples, 0.5);
  const p99 = quantile(samples, 0.99);
  console.log(`\nDeath of a container to its event in Node, ${samples.length} ends of real containers`);
  report('from SIGKILL to the event', { median: milliseconds(median), p99: milliseconds(p99) });
  report('goal', { median: `< ${GOALS.median} ms`, p99: `< ${GOALS.p99} ms` });
  return median < GOALS.median && p99 < GOALS.p99;
}

/** The stream without the end that leaving a loop would be. */
function loop(events) {
  return { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) };
}

async function startOne(pod, id, { folder, cgroup, rootfs }) {
  const bundle = await Bundle.create({
    path: path.join(folder, 'bundles', id),
    rootfs,
    args: ['sleep', '3600'],
    cgroupsPath: `/${cgroup}/${id}`,
    readonly: true,
  });
  const container = await pod.createContainer({ id, bundle: bundle.path });
  await container.start();
  return { id, container, pid: (await container.status()).pid };
}

function makeRootfs(folder) {
  const rootfs = path.join(folder, 'rootfs');
  for (const name of ['bin', 'proc', 'dev', 'sys']) mkdirSync(path.join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', path.join(rootfs, 'bin/busybox'));
  symlinkSync('busybox', path.join(rootfs, 'bin/sleep'));
  return rootfs;
}
