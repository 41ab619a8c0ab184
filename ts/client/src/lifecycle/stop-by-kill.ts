import { toPodherdError } from '../error-from.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';
import { signalNumber } from '../signals.js';
import type { ContainerStatus } from '../status.js';
import type { Lifecycle, StoppedStatus, StopRequest } from './lifecycle.js';

/**
 * Stop a container on a server that has no `stop`: the signal, the time of grace, and the end of everything in the
 * container's cgroup. Given up in between, it is as far as it has got.
 */
export async function stopByKill(
  lifecycle: Pick<Lifecycle, 'status' | 'kill' | 'wait'>,
  id: string,
  request: StopRequest,
  options: CallOptions,
): Promise<StoppedStatus> {
  const deadline = new Deadline(`stop of ${id}`, options);
  try {
    const before = await lifecycle.status(id, deadline.rest());
    if (before.state === 'exited') return { ...before, killed: false };
    const signal = request.signal ?? signalNumber(before.stopSignal as NodeJS.Signals);
    const graceMs = request.graceMs ?? before.stopGraceMs;
    await unlessEnded(lifecycle.kill(id, signal, 'init', deadline.rest()));
    const inTime = await endsWithin(lifecycle, id, graceMs, deadline);
    if (inTime !== null) return { ...inTime, killed: false };
    await unlessEnded(lifecycle.kill(id, signalNumber('SIGKILL'), 'all', deadline.rest()));
    return { ...(await lifecycle.wait(id, 'exited', deadline.rest())), killed: true };
  } finally {
    deadline.stop();
  }
}

/** The status at the end, or null when the time was not enough. */
async function endsWithin(
  lifecycle: Pick<Lifecycle, 'wait'>,
  id: string,
  graceMs: number,
  deadline: Deadline,
): Promise<ContainerStatus | null> {
  const { timeoutMs = Infinity, ...rest } = deadline.rest();
  try {
    return await lifecycle.wait(id, 'exited', { ...rest, timeoutMs: Math.min(graceMs, timeoutMs) });
  } catch (thrown) {
    deadline.check();
    if (toPodherdError(thrown).code !== 'TIMEOUT') throw thrown;
    return null;
  }
}

/** It may end by itself before the signal comes. */
async function unlessEnded(kill: Promise<void>): Promise<void> {
  try {
    await kill;
  } catch (thrown) {
    if (toPodherdError(thrown).code !== 'CONTAINER_NOT_RUNNING') throw thrown;
  }
}
