import { appendFileSync, closeSync, openSync } from 'node:fs';
import { PodherdError } from '../errors.js';
import type { LogDriver } from '../generated/conmon.js';

/** A line that is longer is several records. */
const RECORD_BYTES = 16_384;
const NEWLINE = 0x0a;

type Stream = 'stdout' | 'stderr';

/** A log as a server would write it (docs/logs.md), whole lines at a time. */
export class LogFile {
  readonly path: string;
  readonly #json: boolean;
  readonly #rest: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  /** Those of a request's sinks that are files. @throws PodherdError `LOG_UNAVAILABLE` when one can't be opened */
  static openAll(drivers: readonly LogDriver[]): LogFile[] {
    return drivers.filter(({ type }) => type !== 'journald').map((driver) => new LogFile(driver));
  }

  private constructor({ path, type }: LogDriver) {
    this.path = path;
    this.#json = type === 'json';
    try {
      closeSync(openSync(path, 'a'));
    } catch (cause) {
      throw new PodherdError('LOG_UNAVAILABLE', `log ${path}: ${(cause as Error).message}`);
    }
  }

  /** Add what was written to a stream. What is no whole line is kept until it is one, or until the end. */
  write(stream: Stream, bytes: Uint8Array): void {
    let rest = Buffer.concat([this.#rest[stream], bytes]);
    const records: string[] = [];
    for (;;) {
      const end = rest.indexOf(NEWLINE);
      const partial = end < 0 || end > RECORD_BYTES;
      if (partial && rest.length <= RECORD_BYTES) break;
      const size = partial ? RECORD_BYTES : end;
      records.push(this.#record(stream, partial, rest.subarray(0, size)));
      rest = rest.subarray(partial ? size : size + 1);
    }
    this.#rest[stream] = rest;
    if (records.length > 0) appendFileSync(this.path, records.join(''));
  }

  /** No more comes. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#rest[stream];
      if (rest.length > 0) appendFileSync(this.path, this.#record(stream, false, rest));
      this.#rest[stream] = Buffer.alloc(0);
    }
  }

  #record(stream: Stream, partial: boolean, content: Buffer): string {
    const now = Date.now();
    const text = content.toString();
    if (!this.#json) {
      const time = new Date(now).toISOString().replace('Z', '000000Z');
      return `${time} ${stream} ${partial ? 'P' : 'F'} ${text}\n`;
    }
    const record = {
      timestamp: Math.floor(now / 1_000),
      timestampNanos: `${now}000000`,
      pipe: stream,
      ...(partial ? { partial: true } : {}),
      message: text,
    };
    return `${JSON.stringify(record)}\n`;
  }
}
