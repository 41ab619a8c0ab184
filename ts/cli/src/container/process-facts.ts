import { readdir, readFile, readlink } from 'node:fs/promises';

/** What proc(5) tells of a process. */
export interface ProcessFacts {
  /** By type: "pid:[4026532281]". */
  namespaces: Record<string, string>;
  /** By hierarchy: the controllers of version 1, or "" for version 2. */
  cgroups: Record<string, string>;
}

/** Null for a process that has ended, or is not seen here. */
export async function processFacts(pid: number): Promise<ProcessFacts | null> {
  try {
    const types = await readdir(`/proc/${pid}/ns`);
    const links = await Promise.all(types.map((type) => readlink(`/proc/${pid}/ns/${type}`)));
    const namespaces = Object.fromEntries(types.map((type, at) => [type, links[at] ?? '']));
    const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n');
    const cgroups = Object.fromEntries(
      lines.map((line) => {
        const [, controllers = '', ...path] = line.split(':');
        return [controllers, path.join(':')];
      }),
    );
    return { namespaces, cgroups };
  } catch {
    return null;
  }
}
