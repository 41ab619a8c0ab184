import type { LogFile } from './files.js';
import { linesBackwards } from './lines.js';
import { parseRecord } from './parse.js';
import type { LogRecord } from './record.js';

/** Where in a log's files its last lines begin. */
export interface TailStart {
  /** Index of the file. */
  readonly file: number;
  readonly offset: number;
}

/**
 * Find where the last `count` lines begin, reading no more than them. Pieces that stand before the first of these
 * lines' records belong to it.
 *
 * @param files oldest first
 * @param counts whether a record is one of those that are asked for
 */
export async function findTail(
  files: readonly LogFile[],
  count: number,
  counts: (record: LogRecord) => boolean,
): Promise<TailStart> {
  let left = count;
  let start: TailStart | null = null;
  for (let file = files.length - 1; file >= 0; file--) {
    for await (const { line, offset } of linesBackwards(files[file]!.handle)) {
      const record = parseRecord(line);
      if (record === null || !counts(record)) continue;
      if (!record.partial && left-- <= 0) return start ?? { file, offset: offset + line.length };
      start = { file, offset };
    }
  }
  return { file: 0, offset: 0 };
}
