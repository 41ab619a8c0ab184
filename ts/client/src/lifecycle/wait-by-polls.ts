import { setTimeout as sleep } from 'node:timers/promises';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { PodherdClient } from '../generated/podherd.js';
import { callerOptions, type SessionCallerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';
import { type ContainerState, type ContainerStatus, statusFromWire } from '../status.js';
import type { NativeServer } from './native.js';

/** Milliseconds of one long poll. The server takes up to ten minutes. */
export const POLL_MS = 300_000;
/** Milliseconds that a poll's answer may be late before the server counts as stuck. */
export const POLL_GRACE_MS = 30_000;
/** The same where the caller set a time of its own, which an answer in time keeps from being a cancelled call. */
const SHORT_GRACE_MS = 250;
/** Least milliseconds between two polls of a server that answers before its time. */
const POLL_PAUSE_MS = 1_000;

/** Wait for a container by long polls, over one connection after the other. See `Container.wait`. */
export async function waitByPolls(
  client: PodherdClient,
  server: NativeServer,
  { id, until }: { id: string; until: ContainerState },
  options: CallOptions,
): Promise<ContainerStatus> {
  const what = `wait for ${id} to be ${until}`;
  const end = performance.now() + (options.timeoutMs ?? Infinity);
  for (;;) {
    const started = performance.now();
    const left = Math.max(0, end - started);
    const timeoutMillis = Math.ceil(Math.min(left, POLL_MS));
    const timeoutMs = timeoutMillis + (left <= POLL_MS ? SHORT_GRACE_MS : POLL_GRACE_MS);
    const poll: SessionCallerOptions = { ...callerOptions(what, { ...options, timeoutMs }), longPoll: true };
    const answer = await client.waitContainer({ id, until, timeoutMillis }, poll).catch((thrown: unknown) => {
      const error = toPodherdError(thrown);
      if (error.code !== 'CONNECTION_CLOSED' || !server.goesOn) throw error;
      return null; // Another connection is being made, which the next poll waits for.
    });
    if (answer?.reached === true) return statusFromWire(answer.status);
    if (performance.now() >= end) {
      throw new PodherdError('TIMEOUT', `${what} did not end within ${options.timeoutMs} ms`);
    }
    const early = performance.now() - started < timeoutMillis / 2;
    if (answer !== null && early) await pause(what, end, options.signal);
  }
}

/** A server that answers polls early must not be asked without a breath in between. */
async function pause(what: string, end: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = Math.min(POLL_PAUSE_MS, Math.max(0, end - performance.now()));
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
    throw new PodherdError('ABORTED', `${what} was aborted`, { cause });
  });
}
