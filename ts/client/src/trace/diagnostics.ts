import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { PodherdError } from '../errors.js';

/** What a message of `tracing:podherd:call:*` says. Node adds `result` and `error`. */
export interface CallMessage {
  /** As in the schema: `createContainer`. */
  readonly method: string;
  /** Id of the container that it is about. */
  readonly container: string | undefined;
  readonly socketPath: string;
}

/** What a message of `podherd:connection` says. */
export interface ConnectionMessage {
  /** `closed`: by `close`, or given up (with `error`). */
  readonly event: 'connected' | 'lost' | 'reconnected' | 'closed';
  readonly socketPath: string;
  readonly error?: PodherdError | undefined;
}

const calls = tracingChannel<string, CallMessage>('podherd:call');
const connections = channel('podherd:connection');

/** Tell who listens of a call; nobody listening, it costs nothing. */
export function traceCall<T>(message: CallMessage, call: () => Promise<T>): Promise<T> {
  const heard = [calls.start, calls.end, calls.asyncStart, calls.asyncEnd, calls.error];
  if (!heard.some(({ hasSubscribers }) => hasSubscribers)) return call();
  return calls.tracePromise(call, { ...message });
}

export function publishConnection(message: ConnectionMessage): void {
  if (connections.hasSubscribers) connections.publish(message);
}

/** The container that a call's params name. */
export function containerOf(params: unknown): string | undefined {
  for (let at = params; typeof at === 'object' && at !== null;) {
    const { id, request, container } = at as { id?: unknown; request?: unknown; container?: unknown };
    if (typeof id === 'string') return id;
    at = request ?? container;
  }
  return undefined;
}
