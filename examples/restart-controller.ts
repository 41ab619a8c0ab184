// Keeps a set of containers running, with exponential back-off, from events alone. `restart-controller CONFIG.json`
//
// It may be killed at any time: what it has counted is stored with the position of the next event, as one file, and
// gone on from there, so each end counts exactly once. What has to be done follows from a container's state, so doing it
// again does no harm. The server lives on its own, and so do the containers when this ends on SIGTERM.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { formatPosition, parsePosition, Pod, PodherdError } from '@podherd/client';
import type { ContainerEvent, EventPosition, ExitState } from '@podherd/client';

interface Config {
  runtimeDir: string;
  stateFile: string;
  containers: { id: string; bundle: string; log?: string }[];
  /** The first delay; it doubles with each end in a row, up to the longest. */
  delayMs: number;
  maxDelayMs: number;
  /** One that has run so long is healthy, and its next end the first in a row. */
  healthyMs: number;
}

/** What is known of one container over all its lives. */
interface Known {
  ends: number;
  oomKills: number;
  inARow: number;
  startedMs: number;
  last: string;
  /** Why it is not tried again. */
  givenUp?: string;
}

/** No later try would end otherwise. */
const HOPELESS: readonly string[] = [
  'COMMAND_NOT_FOUND',
  'COMMAND_NOT_EXECUTABLE',
  'BUNDLE_INVALID',
  'INVALID_ID',
];

const config = JSON.parse(readFileSync(process.argv[2] ?? 'restart-controller.json', 'utf8')) as Config;
const state = readState();
const timers = new Map<string, NodeJS.Timeout>();
/** What is being done for each container: one thing after the other. */
const turns = new Map<string, Promise<void>>();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const pod = await Pod.connect({ runtimeDir: config.runtimeDir });
try {
  // A first start begins with what there is now; a later one with what it has not dealt with yet.
  const from = state.position === null ? (await pod.snapshot()).position : parsePosition(state.position);
  const events = pod.events({ from, signal: stop.signal });
  await events.ready();
  save(from);
  console.log(`watching from ${formatPosition(from)}`);
  for (const { id } of config.containers) schedule(id);
  for await (const event of events) {
    if (event.type !== 'gap') take(event);
    // What happened in a gap is not known, but what there is now can be seen.
    else for (const { id } of config.containers) schedule(id);
    save(events.position);
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  for (const timer of timers.values()) clearTimeout(timer);
  await pod.close();
  console.log('left; the containers go on');
}

function take(event: ContainerEvent): void {
  const it = known(event.containerId);
  if (it === null) return;
  if (event.type === 'started') it.startedMs = event.at.date.getTime();
  if (event.type === 'oomKilled') it.oomKills += 1;
  if (event.type !== 'exited') return;
  const ranMs = event.at.date.getTime() - it.startedMs;
  it.ends += 1;
  it.inARow = ranMs >= config.healthyMs ? 1 : it.inARow + 1;
  it.last = words(event.exit);
  console.log(`${event.containerId} ended (${it.last}) after ${ranMs} ms, end ${it.ends}`);
  schedule(event.containerId);
}

/** Look after a container when its delay is over. */
function schedule(id: string): void {
  const { inARow, givenUp } = known(id)!;
  if (givenUp !== undefined || stop.signal.aborted) return;
  clearTimeout(timers.get(id));
  const delayMs = inARow === 0 ? 0 : Math.min(config.delayMs * 2 ** (inARow - 1), config.maxDelayMs);
  const begin = () => {
    const turn = (turns.get(id) ?? Promise.resolve())
      .then(() => ensureRunning(id))
      .catch((error: unknown) => failed(id, error));
    turns.set(id, turn);
  };
  timers.set(id, setTimeout(begin, delayMs));
}

/** Whatever state it is in, the next thing to be done for it to run. */
async function ensureRunning(id: string): Promise<void> {
  const { bundle, log } = config.containers.find((each) => each.id === id)!;
  const [status] = (await pod.list()).filter((each) => each.id === id);
  if (status?.state === 'running' || status?.state === 'creating') return;
  if (status?.state === 'exited') await (await pod.get(id)).delete();
  const options = { id, bundle, log: log === undefined ? [] : { path: log } };
  const container = status?.state === 'created' ? await pod.get(id) : await pod.createContainer(options);
  await container.start();
}

function failed(id: string, error: unknown): void {
  if (stop.signal.aborted) return;
  const it = known(id)!;
  const code = error instanceof PodherdError ? error.code : 'UNKNOWN';
  it.last = `${code}: ${String(error)}`;
  if (HOPELESS.includes(code)) {
    it.givenUp = it.last;
    console.log(`${id} can't run, and is given up: ${it.last}`);
    save(null);
    return;
  }
  it.inARow += 1;
  console.log(`${id} could not be started: ${it.last}`);
  schedule(id);
}

function words({ known, reason, exitCode, signal, oomKilled }: ExitState): string {
  if (!known) return `nobody knows how: ${reason}`;
  return oomKilled ? 'killed for memory' : signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
}

function known(id: string): Known | null {
  if (!config.containers.some((each) => each.id === id)) return null;
  return (state.containers[id] ??= { ends: 0, oomKills: 0, inARow: 0, startedMs: 0, last: '' });
}

function readState(): { position: string | null; containers: Record<string, Known> } {
  if (!existsSync(config.stateFile)) return { position: null, containers: {} };
  return JSON.parse(readFileSync(config.stateFile, 'utf8')) as ReturnType<typeof readState>;
}

/** The file is the old one or the new one, never a part. */
function save(position: EventPosition | null): void {
  if (position !== null) state.position = formatPosition(position);
  writeFileSync(`${config.stateFile}.new`, JSON.stringify(state, null, 2));
  renameSync(`${config.stateFile}.new`, config.stateFile);
}
