import { existsSync } from 'node:fs';
import { Pod, type StartOptions } from '../../ts/client/src/index.js';
import { cgroupsBelow } from '../support/cgroups.js';
import type { Ground } from '../support/ground.js';
import { serverBinary } from '../support/paths.js';
import { processEntry } from '../support/processes.js';

/** How a test on this ground starts a server through the client. */
export function startOptions(ground: Ground, options: Partial<StartOptions> = {}): StartOptions {
  return {
    runtime: ground.runtime.path,
    runtimeDir: ground.path('run'),
    runtimeRoot: ground.runtimeRoot,
    serverPath: serverBinary,
    ...options,
  };
}

/** A pod on this ground that is closed at its end, should the test not have done so. */
export async function startPod(ground: Ground, options: Partial<StartOptions> = {}): Promise<Pod> {
  const pod = await Pod.start(startOptions(ground, options));
  ground.onEnd(() => pod.close().catch(() => {}));
  return pod;
}

/** What of a test's is still there: processes by pid, cgroups. */
export function remains(ground: Ground, pids: readonly (number | null | undefined)[]): string[] {
  const processes = pids
    .filter((pid) => typeof pid === 'number')
    .map((pid) => processEntry(pid))
    .filter((entry) => entry !== undefined)
    // Who reaps what this process did not start is not the client's doing; see the tests of the server.
    .filter((entry) => entry.state !== 'Z' || entry.parent === process.pid)
    .map((entry) => `process ${entry.pid} ${entry.name} ${entry.state}`);
  return [...processes, ...cgroupsBelow(ground.cgroup).map((path) => `cgroup ${path}`)];
}

/** Whether the server's socket is there. */
export function listens(pod: Pod): boolean {
  return existsSync(pod.socketPath);
}
