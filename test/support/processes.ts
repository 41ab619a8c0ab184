import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One process as /proc shows it. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  /** One letter: `Z` is a zombie. */
  state: string;
  name: string;
  /** Its place in the first cgroup hierarchies; empty when it has gone in between. */
  cgroups: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** One process, or undefined when there is none. */
export function processEntry(pid: number): ProcessEntry | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const close = stat.lastIndexOf(')');
  if (close < 0) return undefined;
  const [state = '?', parent = '0'] = stat.slice(close + 2).split(' ');
  return {
    pid,
    parent: Number(parent),
    state,
    name: stat.slice(stat.indexOf('(') + 1, close),
    cgroups: read(`/proc/${pid}/cgroup`),
  };
}

/** All processes there are. */
export function allProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** Those that come of `ancestor`, itself not among them. */
export function descendants(
  ancestor: number,
  processes: readonly ProcessEntry[] = allProcesses(),
): ProcessEntry[] {
  const children = processes.filter((entry) => entry.parent === ancestor);
  return children.flatMap((child) => [child, ...descendants(child.pid, processes)]);
}

/** What a process's descriptors are, one entry each, numbers of pipes and sockets taken away. */
export function descriptors(pid: number): string[] {
  const kinds: string[] = [];
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      kinds.push(readlinkSync(`/proc/${pid}/fd/${name}`).replace(/:\[\d+\]$/, ''));
    } catch {
      // Closed in between.
    }
  }
  return kinds.sort();
}

/** Number of threads of a process. */
export function threads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}

/** Bytes of memory that a process has of its own (RssAnon). */
export function ownMemory(pid: number): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kilobytes) * 1024;
}
