import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { Failure } from '../failure.js';

/** Tried in this order when none is named. */
const KNOWN = ['runc', 'crun', 'youki'] as const;
/** Where runtimes are installed beside PATH, which may lack the directories of root. */
const USUAL_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];

/**
 * The path of an OCI runtime that is given by name or path, or the first known one that is installed.
 *
 * @throws Failure `RUNTIME_UNAVAILABLE`
 */
export async function findRuntime(wanted: string | undefined): Promise<string> {
  for (const name of wanted === undefined ? KNOWN : [wanted]) {
    const found = await findProgram(name);
    if (found !== null) return found;
  }
  const message =
    wanted === undefined ? 'no OCI runtime is installed' : `there is no runtime ${JSON.stringify(wanted)}`;
  throw new Failure('RUNTIME_UNAVAILABLE', message, {
    hint: 'install runc or crun, and name it with --runtime',
  });
}

async function findProgram(name: string): Promise<string | null> {
  if (name.includes('/')) return (await isExecutable(name)) ? name : null;
  for (const directory of [...(process.env['PATH'] ?? '').split(delimiter), ...USUAL_DIRECTORIES]) {
    const path = join(directory, name);
    if (isAbsolute(path) && (await isExecutable(path))) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
