import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import type { Namespace } from '../../ts/client/src/generated/conmon.js';
import { answered, type Connection } from './connection.js';
import type { Ground } from './ground.js';
import { descendants } from './processes.js';
import type { TestServer } from './server.js';

/** All kinds, in the order of an answer. */
export const kinds = ['ipc', 'pid', 'net', 'user', 'uts'] as const satisfies readonly Namespace[];
export type Kind = (typeof kinds)[number];

/** Maps of a user namespace whose root is the user 100000. */
export const mappings = { uidMappings: ['0 100000 65536'], gidMappings: ['0 200000 65536'] };

/** What a test asks of createNamespaces; the rest is as `mappings` and `kinds` have it. */
export interface NamespacesOptions {
  podId?: string;
  basePath: string;
  namespaces?: readonly Kind[];
  uidMappings?: readonly string[];
  gidMappings?: readonly string[];
}

/** Asks for namespaces, and gives the path of each kind. */
export async function createNamespaces(
  connection: Connection,
  options: NamespacesOptions,
): Promise<Record<Kind, string>> {
  const { response } = await connection.conmon.createNamespaces({
    request: { podId: 'pod', namespaces: kinds, ...mappings, ...options },
  });
  const entries = answered(response).namespaces;
  expect(entries.map(({ type }) => type)).toEqual(kinds);
  return Object.fromEntries(entries.map(({ type, path }) => [type, path])) as Record<Kind, string>;
}

/** An empty directory below which namespaces can be made. */
export function newBase(ground: Ground, name = 'base'): string {
  const base = ground.path(name);
  mkdirSync(base);
  return base;
}

/** Which namespace a process is in. */
export function namespaceOf(pid: number | 'self', kind: Kind): number {
  return statSync(`/proc/${pid}/ns/${kind}`).ino;
}

/** Which namespace is mounted at each path. */
export function mountedAt(paths: Record<Kind, string>): Record<Kind, number> {
  return Object.fromEntries(kinds.map((kind) => [kind, statSync(paths[kind]).ino])) as Record<Kind, number>;
}

/** The pid of the process that holds a pod's namespaces. */
export function holderOf(basePath: string, podId = 'pod'): number {
  return Number(readFileSync(join(basePath, 'conmonrs', `${podId}.pid`), 'utf8'));
}

/** What is below a directory, files and mounts alike. */
export function below(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
}

/** The mounts of namespaces below a directory, in a process's view. */
export function namespaceMounts(pid: number | 'self', folder: string): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' nsfs ') && line.split(' ')[4]?.startsWith(folder));
}

/** Ends a server as its clients do, and expects that nothing is left of it and of what it made below `basePath`. */
export async function expectAllGone(server: TestServer, basePath: string): Promise<void> {
  expect(await server.stop()).toEqual([]);
  expect(await server.leftovers()).toEqual([]);
  expect(below(basePath)).toEqual([]);
  expect(descendants(server.nursery.pid)).toEqual([]);
}
