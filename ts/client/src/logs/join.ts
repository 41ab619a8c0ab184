import { LogRecord } from './record.js';

/** Bytes of a line past which it is handed on in pieces all the same. */
const LINE_BYTES = 16 * 1024 * 1024;

/** Makes whole lines of pieces, each stream's on its own. A line has the time of its first piece. */
export class LineJoiner {
  readonly #pieces = { stdout: [] as LogRecord[], stderr: [] as LogRecord[] };

  /** The line that this record completes; null when it goes on. */
  add(record: LogRecord): LogRecord | null {
    const pieces = this.#pieces[record.stream];
    if (pieces.length === 0 && !record.partial) return record;
    pieces.push(record);
    const length = pieces.reduce((sum, { data }) => sum + data.length, 0);
    return record.partial && length < LINE_BYTES ? null : this.#joined(record.stream);
  }

  /** What has no end. */
  *rest(): Generator<LogRecord, void, undefined> {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#pieces[stream].length > 0) yield this.#joined(stream);
    }
  }

  #joined(stream: 'stdout' | 'stderr'): LogRecord {
    const pieces = this.#pieces[stream].splice(0);
    const { timestamp } = pieces[0]!;
    return new LogRecord(
      timestamp,
      stream,
      Buffer.concat(pieces.map(({ data }) => data)),
      pieces.at(-1)!.partial,
    );
  }
}
