import { type Timestamp, timestampOfNanoseconds } from '../timestamp.js';
import { nanosecondsOf } from './moment.js';
import { LogRecord } from './record.js';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const BRACE = 0x7b;
const PARTIAL = 0x50;

/** The record in a line of a CRI or JSON log, which ends with its newline; null when it is none. */
export function parseRecord(line: Buffer): LogRecord | null {
  return line[0] === BRACE ? parseJson(line) : parseCri(line);
}

/** `TIME STREAM F|P CONTENT`; servers may put further tags, divided by colons, behind the first one. */
function parseCri(line: Buffer): LogRecord | null {
  const afterTime = line.indexOf(SPACE);
  const afterStream = line.indexOf(SPACE, afterTime + 1);
  const afterTag = line.indexOf(SPACE, afterStream + 1);
  if (afterTime < 0 || afterStream < 0 || afterTag < 0) return null;
  const timestamp = timestampOfText(line.toString('latin1', 0, afterTime));
  const stream = line.toString('latin1', afterTime + 1, afterStream);
  if (timestamp === null || (stream !== 'stdout' && stream !== 'stderr')) return null;
  const partial = line[afterStream + 1] === PARTIAL;
  return new LogRecord(
    timestamp,
    stream,
    line.subarray(afterTag + 1, line.length - (partial ? 1 : 0)),
    partial,
  );
}

interface JsonLine {
  timestamp?: unknown;
  timestampNanos?: unknown;
  pipe?: unknown;
  message?: unknown;
  messageBase64?: unknown;
  partial?: unknown;
}

/** One object a line, as docs/logs.md has it; conmon-rs's has neither `timestampNanos` nor the rest. */
function parseJson(line: Buffer): LogRecord | null {
  let found: JsonLine;
  try {
    found = JSON.parse(line.toString('utf8')) as JsonLine;
  } catch {
    return null;
  }
  const { timestamp, timestampNanos, pipe, message, messageBase64 } = found;
  if (pipe !== 'stdout' && pipe !== 'stderr') return null;
  const partial = found.partial === true;
  const nanoseconds =
    typeof timestampNanos === 'string' && /^\d+$/.test(timestampNanos)
      ? BigInt(timestampNanos)
      : typeof timestamp === 'number'
        ? BigInt(Math.round(timestamp)) * 1_000_000_000n
        : null;
  if (nanoseconds === null) return null;
  const content =
    typeof messageBase64 === 'string'
      ? Buffer.from(messageBase64, 'base64')
      : Buffer.from(typeof message === 'string' ? message : '');
  const data = partial ? content : Buffer.concat([content, Buffer.of(NEWLINE)]);
  return new LogRecord(timestampOfNanoseconds(nanoseconds), pipe, data, partial);
}

let last: { readonly text: string; readonly timestamp: Timestamp } | null = null;

/** All records of one read have the same time: most need no parsing. */
function timestampOfText(text: string): Timestamp | null {
  if (last?.text !== text) {
    const nanoseconds = nanosecondsOf(text);
    if (nanoseconds === null) return null;
    last = { text, timestamp: timestampOfNanoseconds(nanoseconds) };
  }
  return last.timestamp;
}
