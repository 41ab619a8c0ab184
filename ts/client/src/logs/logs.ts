import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { onAbort } from '../rpc/abort-signal.js';
import type { CallOptions } from '../rpc/deadline.js';
import { LogWatcher } from './follow.js';
import { LineJoiner } from './join.js';
import { momentOf } from './moment.js';
import { parseRecord } from './parse.js';
import { LogReading } from './reading.js';
import type { LogRecord } from './record.js';

/** Which records of a log. The signal ends the reading, whenever it aborts, with `ABORTED`. */
export interface LogsOptions extends Pick<CallOptions, 'signal' | 'trace'> {
  /** Go on until the container has ended. */
  follow?: boolean | undefined;
  /** Not before this moment: a Date, milliseconds since 1970, or an RFC 3339 time. */
  since?: Date | number | string | undefined;
  /** Not after this moment. */
  until?: Date | number | string | undefined;
  /** The last so many lines of what there is. What came before them is not read. */
  tail?: number | undefined;
  /** Only what was written to this stream. */
  stream?: 'stdout' | 'stderr' | undefined;
  /** Make whole lines of pieces (a record holds 16 KiB). Default false. */
  joinPartial?: boolean | undefined;
}

/** What is asked for, checked. */
export interface LogSelection {
  readonly since: bigint | null;
  readonly tail: number | null;
  readonly includes: (record: LogRecord) => boolean;
}

/** Read a container's log. See `Container.logs`. */
export async function* readLogs(
  lifecycle: Pick<Lifecycle, 'status' | 'wait'>,
  id: string,
  options: LogsOptions,
): AsyncGenerator<LogRecord, void, undefined> {
  const { signal, trace, follow = false } = options;
  const selection = select(options);
  const { logPaths } = await lifecycle.status(id, { signal, trace });
  const path = logPaths[0];
  if (path === undefined) throw new PodherdError('LOG_UNAVAILABLE', `${id} has no log file`);
  // Before the first look at the files, so that nothing between it and the watch is missed.
  const watcher = follow ? new LogWatcher(path) : null;
  const over = new AbortController();
  const aborted = (): PodherdError =>
    new PodherdError('ABORTED', `the log of ${id} was aborted`, { cause: signal?.reason });
  const letGo = signal === undefined ? () => {} : onAbort(signal, () => watcher?.fail(aborted()));
  if (watcher !== null) {
    const ended = lifecycle.wait(id, 'exited', { signal: over.signal, trace });
    ended.then(
      () => watcher.end(),
      (thrown: unknown) => watcher.fail(toPodherdError(thrown)),
    );
  }
  const reading = new LogReading(path, watcher);
  const joiner = options.joinPartial === true ? new LineJoiner() : null;
  try {
    await reading.open(selection);
    for await (const line of reading.lines()) {
      if (signal?.aborted === true) throw aborted();
      const record = parseRecord(line);
      if (record === null || !selection.includes(record)) continue;
      const whole = joiner === null ? record : joiner.add(record);
      if (whole !== null) yield whole;
    }
    if (joiner !== null) yield* joiner.rest();
  } finally {
    over.abort();
    letGo();
    watcher?.[Symbol.dispose]();
    await reading.close();
  }
}

function select({ since, until, stream, tail }: LogsOptions): LogSelection {
  if (tail !== undefined && (!Number.isSafeInteger(tail) || tail < 0)) {
    throw new PodherdError('INVALID_ARGUMENT', `tail is a number of lines, found ${tail}`);
  }
  const from = since === undefined ? null : momentOf('since', since);
  const to = until === undefined ? null : momentOf('until', until);
  return {
    since: from,
    tail: tail ?? null,
    includes: ({ timestamp: { unixNanoseconds }, stream: of }) =>
      (stream === undefined || of === stream) &&
      (from === null || unixNanoseconds >= from) &&
      (to === null || unixNanoseconds <= to),
  };
}
