import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Mount points of the cgroup hierarchies: one for each v1 controller, or the one of v2. */
export function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith('/sys/fs/cgroup'));
}

/** Whether a cgroup2 is mounted beside v1 controllers. */
export function isHybrid(): boolean {
  const kinds = readFileSync('/proc/self/mountinfo', 'utf8').match(/ - cgroup2? /g) ?? [];
  return new Set(kinds).size === 2;
}

function folders(parent: string): string[] {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(parent, entry.name));
  } catch {
    return [];
  }
}

/** All cgroups below `name` (a cgroup at the root of the hierarchies), that one not among them. */
export function cgroupsBelow(name: string): string[] {
  const below = (parent: string): string[] => folders(parent).flatMap((child) => [child, ...below(child)]);
  return hierarchies().flatMap((mount) => below(join(mount, name)));
}

/** Removes `name` and all below it. Its processes must have ended; what can't be removed is left. */
export function removeCgroups(name: string): void {
  const own = hierarchies().map((mount) => join(mount, name));
  for (const path of [...own, ...cgroupsBelow(name)].reverse()) {
    if (!existsSync(path)) continue;
    try {
      rmdirSync(path);
    } catch {
      // Still in use: the check for leftovers has told so.
    }
  }
}

/** Where the memory of the cgroup `name` is counted. */
export function memoryDirectory(name: string): string {
  const mount = hierarchies().find((path) => path.endsWith('/memory')) ?? '/sys/fs/cgroup';
  return join(mount, name);
}

/** Makes a cgroup (of the test's own) whose processes may use this much memory together, those below it included. */
export function limitMemory(name: string, bytes: number): void {
  const path = memoryDirectory(name);
  mkdirSync(path, { recursive: true });
  const isV2 = existsSync(join(path, 'cgroup.subtree_control'));
  if (isV2) {
    const above = name.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/'));
    for (const parent of above)
      writeFileSync(memoryDirectory(join(parent, 'cgroup.subtree_control')), '+memory');
  }
  writeFileSync(join(path, isV2 ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes));
}

/** A cgroup that bounds the number of processes, for a server that shall run out of them. */
export class PidsLimit {
  readonly #path: string;

  constructor(name: string) {
    const mount = hierarchies().find((path) => path.endsWith('/pids')) ?? '/sys/fs/cgroup';
    this.#path = join(mount, name);
    mkdirSync(this.#path, { recursive: true });
  }

  /** Moves a process in; what it starts follows. */
  add(pid: number): void {
    writeFileSync(join(this.#path, 'cgroup.procs'), String(pid));
  }

  /** How many tasks are in it now. */
  current(): number {
    return Number(readFileSync(join(this.#path, 'pids.current'), 'utf8'));
  }

  set(limit: number | 'max'): void {
    writeFileSync(join(this.#path, 'pids.max'), String(limit));
  }

  /** Removes it. Its processes must have ended. */
  remove(): void {
    rmdirSync(this.#path);
  }
}
