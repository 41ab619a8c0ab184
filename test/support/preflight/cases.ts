import type { Case, Changes } from './cases/case.js';
import { commands } from './cases/commands.js';
import { documents } from './cases/documents.js';
import { mountings } from './cases/mounts.js';
import { others } from './cases/others.js';
import { processes } from './cases/processes.js';
import { separations } from './cases/namespaces.js';

export type { Case, Changes } from './cases/case.js';

/** Every one, with a name of its own. */
export const cases: readonly Case[] = [
  ...documents,
  ...processes,
  ...commands,
  ...mountings,
  ...separations,
  ...others,
];

/** Changes a document at these places. */
export function change(document: object, changes: Changes): void {
  for (const [pointer, value] of Object.entries(changes)) {
    const path = pointer.slice(1).split('/');
    const last = path.pop() ?? '';
    let at = document as Record<string, unknown>;
    for (const key of path) at = (at[key] ??= {}) as Record<string, unknown>;
    if (last === '-' && Array.isArray(at)) at.push(value);
    else if (value === undefined) Reflect.deleteProperty(at, last);
    else at[last] = structuredClone(value);
  }
}
