import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PodherdError } from '../errors.js';

/** What rotation puts behind a log's path: the server (with nanoseconds), or the kubelet. Sorted, they are in order. */
const ROTATED = /^\.\d{8}-\d{6}(\.\d{9})?$/;

/** A file of a log that was opened for reading; whoever opened it closes it. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
}

/**
 * Open all files of a log, the oldest first and the one at its path last; none is missing between two of them, however
 * quickly it is rotated meanwhile. A file that is rotated in the middle of this may be there twice.
 */
export async function openAll(path: string): Promise<LogFile[]> {
  const rotated = new Map<string, LogFile | null>();
  for (;;) {
    for (const name of await rotatedFiles(path)) {
      if (!rotated.has(name)) rotated.set(name, await openLogFile(name));
    }
    const current = await openLogFile(path);
    // What has got its name between the look at the directory and the opening of the path would be missing.
    if ((await rotatedFiles(path)).every((name) => rotated.has(name))) {
      const files = [...rotated].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, file]) => file);
      return [...files, current].filter((file) => file !== null);
    }
    await current?.handle.close();
  }
}

/** The files that a log was rotated into, oldest first. Those that somebody compressed are not among them. */
async function rotatedFiles(path: string): Promise<string[]> {
  const directory = dirname(path);
  const name = basename(path);
  const entries = await readdir(directory).catch((cause: unknown) => {
    throw unavailable(directory, cause);
  });
  return entries
    .filter((entry) => entry.startsWith(name) && ROTATED.test(entry.slice(name.length)))
    .sort()
    .map((entry) => join(directory, entry));
}

/** Open a file of a log; null when there is none. */
export async function openLogFile(path: string): Promise<LogFile | null> {
  try {
    const handle = await open(path, 'r');
    const { ino } = await handle.stat({ bigint: true });
    return { handle, inode: ino };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unavailable(path, cause);
  }
}

/** The inode at a path; null when there is none. */
export async function inodeAt(path: string): Promise<bigint | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found?.ino ?? null;
}

/** Whether all of a file was written before a moment, in nanoseconds since 1970. */
export async function writtenBefore(file: LogFile, moment: bigint): Promise<boolean> {
  const { mtimeNs } = await file.handle.stat({ bigint: true });
  return mtimeNs < moment;
}

function unavailable(path: string, cause: unknown): PodherdError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PodherdError('LOG_UNAVAILABLE', `the log at ${path} can't be read: ${reason}`, { cause });
}
