import type { CreateRequest } from '../create-options.js';
import { unknownExit } from '../exit-state.js';
import { signalName } from '../signals.js';
import { type ContainerStatus, DEFAULT_STOP_GRACE_MS, DEFAULT_STOP_SIGNAL } from '../status.js';
import { timestampOf } from '../timestamp.js';
import type { RuntimeState } from './runtime-calls.js';

/** What is not known, or has not happened. */
const nothing = () => ({
  terminal: false,
  createdAt: null,
  startedAt: null,
  exit: null,
  logPaths: [],
  droppedLogBytes: 0,
  labels: {},
  stopSignal: DEFAULT_STOP_SIGNAL,
  stopGraceMs: DEFAULT_STOP_GRACE_MS,
  rateLimit: null,
  heldBackMs: 0,
  execs: 0,
});

/** The status of a container that this client has just created. */
export function statusAtCreation(request: CreateRequest, pid: number): ContainerStatus {
  const { container, labels = [], stopSignal = 0, stopGraceMillis } = request;
  return {
    ...nothing(),
    id: container.id,
    state: 'created',
    pid,
    bundle: container.bundlePath ?? '',
    terminal: container.terminal ?? false,
    createdAt: timestampOf(new Date()),
    logPaths: (container.logDrivers ?? []).flatMap(({ path }) => path ?? []),
    labels: Object.fromEntries(labels.map(({ key = '', value = '' }) => [key, value])),
    stopSignal: stopSignal === 0 ? DEFAULT_STOP_SIGNAL : signalName(stopSignal),
    stopGraceMs: Number(stopGraceMillis ?? DEFAULT_STOP_GRACE_MS),
  };
}

/** The status of one that another client created, as far as the runtime tells it. */
export function statusFromRuntime({ id, status, pid, bundle }: RuntimeState): ContainerStatus {
  const state = status === 'stopped' ? 'exited' : status === 'paused' ? 'running' : status;
  return {
    ...nothing(),
    id,
    state,
    pid: state === 'exited' ? null : (pid ?? null),
    bundle,
    exit: state === 'exited' ? unknownExit('created-elsewhere') : null,
  };
}
