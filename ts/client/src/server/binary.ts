import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { PodherdError } from '../errors.js';

/** Environment variable that names the server's binary. */
export const SERVER_ENVIRONMENT_VARIABLE = 'PODHERD_SERVER';

const SERVER_NAME = 'podherd';

/**
 * The absolute path of a program: a path stays one, a bare name is looked up in PATH.
 *
 * @throws PodherdError `SERVER_START_FAILED` when it is not there or can't be executed
 */
export async function findServer(serverPath: string | undefined): Promise<string> {
  const wanted = serverPath ?? process.env[SERVER_ENVIRONMENT_VARIABLE] ?? SERVER_NAME;
  const found = await findProgram(wanted);
  if (found !== null) return found;
  throw new PodherdError(
    'SERVER_START_FAILED',
    `no executable server at ${JSON.stringify(wanted)}: set the option serverPath, the environment variable ` +
      `${SERVER_ENVIRONMENT_VARIABLE}, or put ${SERVER_NAME} into PATH`,
  );
}

/** The absolute path of an executable program, or null. */
export async function findProgram(name: string): Promise<string | null> {
  if (name === '') return null;
  if (isAbsolute(name) || name.includes('/')) {
    const path = resolve(name);
    return (await isExecutable(path)) ? path : null;
  }
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = resolve(join(directory, name));
    if (directory !== '' && (await isExecutable(path))) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
