import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One record of a log, whatever its format. */
export interface LogRecord {
  stream: string;
  /** More of the line follows in the next record of the stream. */
  partial: boolean;
  content: Buffer;
}

export type FileFormat = 'containerRuntimeInterface' | 'json';

/** The records of one file. Throws at whatever is no whole record. */
export function readRecords(path: string, format: FileFormat): LogRecord[] {
  const bytes = readFileSync(path);
  const records: LogRecord[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf('\n', start);
    if (end < 0) throw new Error(`${path} ends within a record`);
    records.push((format === 'json' ? jsonRecord : criRecord)(bytes.subarray(start, end)));
    start = end + 1;
  }
  return records;
}

/** The files of a log that are there: older ones as their names sort, as the kubelet does, and the newest. */
export function logFiles(path: string): string[] {
  const older = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`));
  return [...older.sort().map((name) => join(dirname(path), name)), path];
}

/** All that was written to a stream, put together again. */
export function contentOf(records: readonly LogRecord[], stream = 'stdout'): Buffer {
  const newline = Buffer.from('\n');
  return Buffer.concat(
    records
      .filter((record) => record.stream === stream)
      .flatMap(({ partial, content }) => (partial ? [content] : [content, newline])),
  );
}

function criRecord(line: Buffer): LogRecord {
  const head = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP]) /.exec(
    line.subarray(0, 60).toString('latin1'),
  );
  if (head === null) throw new Error(`not a CRI record: ${line.subarray(0, 200).toString()}`);
  const [text, stream = '', tag] = head;
  return { stream, partial: tag === 'P', content: line.subarray(text.length) };
}

function jsonRecord(line: Buffer): LogRecord {
  const record = JSON.parse(line.toString()) as Record<string, unknown>;
  const { timestamp, timestampNanos, pipe, partial, message, messageBase64, ...rest } = record;
  const seconds = typeof timestampNanos === 'string' ? BigInt(timestampNanos) / 1_000_000_000n : -1n;
  const one = (message === undefined) !== (messageBase64 === undefined);
  const known = pipe === 'stdout' || pipe === 'stderr';
  if (BigInt(timestamp as number) !== seconds || !known || !one || Object.keys(rest).length > 0)
    throw new Error(`not a JSON record: ${line.subarray(0, 200).toString()}`);
  const content =
    typeof message === 'string' ? Buffer.from(message) : Buffer.from(messageBase64 as string, 'base64');
  return { stream: pipe, partial: partial === true, content };
}
