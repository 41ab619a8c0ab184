import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { cgroupsBelow } from './cgroups.js';
import { inGuest } from './paths.js';
import { allProcesses, descendants, descriptors } from './processes.js';

/** Where the things of one test are looked for. */
export interface Watched {
  /** Pid of the nursery, and of the server under it. */
  nursery: number;
  server: number;
  /** Name of the cgroup that all containers of this test are in. */
  cgroup: string;
  /** Folder of the test: no mount may be left below it. */
  folder: string;
  runtimeDir: string;
  runtimeRoot: string;
  temporary: string;
}

/** One thing that is there. */
export interface Thing {
  kind: string;
  what: string;
  /** Pid of a process: what it is called changes when it executes something. */
  pid?: number;
}

/** All that is there of a test at one moment. */
export function takeSnapshot(watched: Watched): Thing[] {
  const things: Thing[] = [];
  const add = (kind: string, entries: readonly string[]): void => {
    for (const what of entries) things.push({ kind, what });
  };
  const inCgroup = new RegExp(`:/${watched.cgroup}/`, 'm');
  const processes = allProcesses();
  const ours = new Set(descendants(watched.nursery, processes).map(({ pid }) => pid));
  for (const entry of processes) {
    if (entry.pid === watched.server || !(ours.has(entry.pid) || inCgroup.test(entry.cgroups))) continue;
    things.push({
      kind: entry.state === 'Z' ? 'zombie' : 'process',
      what: `${entry.name} ${entry.pid}, parent ${whose(entry.parent, watched)}`,
      pid: entry.pid,
    });
  }
  if (existsSync(`/proc/${watched.server}/fd`)) add('descriptor', descriptors(watched.server));
  add('file in the runtime directory', names(watched.runtimeDir));
  add('container of the runtime', names(watched.runtimeRoot));
  add('temporary file', names(watched.temporary));
  add('mount', mounts(watched.folder));
  add('cgroup', cgroupsBelow(watched.cgroup));
  return things;
}

/**
 * What is there beyond `before`. Ends of processes reach the server as events that the test can't see, so it is
 * looked for until nothing is left, for a bounded time.
 */
export async function findLeftovers(
  watched: Watched,
  before: readonly Thing[],
  limitMs = SETTLE_MS,
): Promise<Thing[]> {
  return settle(() => beyond(takeSnapshot(watched), before), limitMs);
}

/** Looks until nothing is found, for a bounded time; gives what is found then. */
export async function settle(look: () => Thing[] | Promise<Thing[]>, limitMs = SETTLE_MS): Promise<Thing[]> {
  const end = performance.now() + limitMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const found = await attempt(look);
    if (found.length === 0 || performance.now() > end) return found;
    await sleep(pause);
  }
}

/** Time in which what has ended is gone. */
const SETTLE_MS = inGuest ? 30_000 : 5_000;

/** Something may go while it is looked at, such as an entry of /proc: then the look was one too early. */
async function attempt(look: () => Thing[] | Promise<Thing[]>): Promise<Thing[]> {
  try {
    return await look();
  } catch (error) {
    return [{ kind: 'account', what: String(error) }];
  }
}

/** A table for people. */
export function tell(things: readonly Thing[]): string {
  const width = Math.max(...things.map(({ kind }) => kind.length));
  return things.map(({ kind, what }) => `  ${kind.padEnd(width)}  ${what}`).join('\n');
}

function whose(pid: number, watched: Watched): string {
  if (pid === watched.server) return `${pid} (the server)`;
  return pid === watched.nursery ? `${pid} (adopted by the test)` : String(pid);
}

/** What is in `now` more often than in `before`. */
export function beyond(now: readonly Thing[], before: readonly Thing[]): Thing[] {
  const key = ({ kind, what, pid }: Thing): string => `${kind}\0${pid ?? what}`;
  const rest = before.map(key);
  return now.filter((thing) => {
    const at = rest.indexOf(key(thing));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
}

function mounts(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(folder));
}
