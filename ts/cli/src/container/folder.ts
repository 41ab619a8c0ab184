import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { ContainerStatus } from '@podherd/client';

/** Where podctl keeps bundles and logs that it made, in the server's runtime directory. */
const FOLDER = 'podctl';
/** Characters of an id in a folder's name: an id may be longer than a file name. */
const SHOWN = 64;

/** Of all containers of a server. */
function podctlFolder(socketPath: string): string {
  return join(dirname(resolve(socketPath)), FOLDER);
}

/**
 * A folder for what podctl makes for one container: a bundle, a log. Its name is nobody else's, so that a create
 * that fails because its id is taken touches nothing of the container that has it.
 */
export async function makeFolder(socketPath: string, id: string): Promise<string> {
  const parent = podctlFolder(socketPath);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return mkdtemp(join(parent, `${id.replaceAll('/', '_').slice(0, SHOWN)}.`));
}

/** The folder that podctl made for a container, or null when it made none. */
export function folderOf(socketPath: string, { bundle, logPaths }: ContainerStatus): string | null {
  const parent = podctlFolder(socketPath) + sep;
  const inside = [bundle, ...logPaths].find((path) => path.startsWith(parent));
  const name = inside?.slice(parent.length).split(sep)[0];
  return name === undefined || name === '' || name === '..' ? null : parent + name;
}

/** Remove what podctl made for a container that the server has forgotten. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  // The last one takes the folder of all with it.
  await rmdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  });
}

/** Remove what is there of containers of a server that has ended. */
export async function removeAllFolders(socketPath: string): Promise<void> {
  await rm(podctlFolder(socketPath), { recursive: true, force: true });
}
