import type { Timestamp } from '../timestamp.js';

/** A line of a log, or a piece of one that is longer than a record may be. */
export class LogRecord {
  readonly timestamp: Timestamp;
  readonly stream: 'stdout' | 'stderr';
  /** As it was written, with the line's end unless this is `partial`. */
  readonly data: Uint8Array;
  /** The line goes on in the stream's next record. */
  readonly partial: boolean;

  constructor(timestamp: Timestamp, stream: 'stdout' | 'stderr', data: Uint8Array, partial: boolean) {
    this.timestamp = timestamp;
    this.stream = stream;
    this.data = data;
    this.partial = partial;
  }

  /** The data as UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.data);
  }
}
