import { mapEntries, type CgroupManager } from './create-options.js';
import { parseCodedText } from './error-from.js';
import { PodherdError } from './errors.js';
import type { ConmonClient } from './generated/conmon.js';
import { callerOptions } from './rpc/caller.js';
import type { CallOptions } from './rpc/deadline.js';

/** Milliseconds that the server may take beyond the command's own limit, to end it and to answer. */
const ANSWER_GRACE_MS = 30_000;

/** What the server answers with when the command could not be started. */
const NOT_STARTED = -2;

/** More than the longest line about cut output has. */
const TRUNCATED_LINE_BYTES = 128;

/** How a command is run in a container. */
export interface ExecOptions extends CallOptions {
  /**
   * Whole seconds after which the *server* kills the command, with all that came of it, and answers with
   * `timedOut`. Default 0: no limit. `timeoutMs`, on the other hand, is how long this client waits; giving
   * up ends the command as well.
   */
  execTimeoutSeconds?: number | undefined;
  /** Give the command a pseudo-terminal: all output comes as `stdout`, with CRLF. */
  terminal?: boolean | undefined;
  /** Environment of the runtime call. */
  env?: Readonly<Record<string, string>> | undefined;
  /** As the container was created with. Default `cgroupfs`. */
  cgroupManager?: CgroupManager | undefined;
}

/** How a command ended. */
export interface ExecResult {
  /** Its exit code; 128 + n when signal n ended it. Meaningless when it timed out. */
  exitCode: number;
  /** At most 16 MiB, unless the server was started with another limit. */
  stdout: Uint8Array;
  stderr: Uint8Array;
  /** It ran into `execTimeoutSeconds` and was killed. */
  timedOut: boolean;
  /** Output beyond the limit was dropped; `stderr` ends with how much. */
  truncated: boolean;
}

/** Run a command in a container. See `Container.exec`. */
export async function exec(
  client: ConmonClient,
  id: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const seconds = options.execTimeoutSeconds ?? 0;
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new PodherdError(
      'INVALID_ARGUMENT',
      `execTimeoutSeconds is a whole number of seconds, found ${seconds}`,
    );
  }
  const timeoutMs = options.timeoutMs ?? (seconds === 0 ? Infinity : seconds * 1_000 + ANSWER_GRACE_MS);
  const { response } = await client.execSyncContainer(
    {
      request: {
        id,
        command,
        timeoutSec: BigInt(seconds),
        terminal: options.terminal,
        envVars: mapEntries(options.env),
        cgroupManager: options.cgroupManager ?? 'cgroupfs',
      },
    },
    callerOptions(`exec in ${id}`, { ...options, timeoutMs }),
  );
  if (response === undefined)
    throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a result');
  const { exitCode, stdout, stderr, timedOut } = response;
  if (exitCode === NOT_STARTED && !timedOut) throw notStarted(stderr);
  return { exitCode, stdout, stderr, timedOut, truncated: saysTruncated(stderr) };
}

/** The server adds a line for each stream that it cut. */
function saysTruncated(stderr: Uint8Array): boolean {
  const end = new TextDecoder().decode(stderr.subarray(-TRUNCATED_LINE_BYTES));
  return /(^|\n)podherd: OUTPUT_TRUNCATED: \d+ bytes of (stdout|stderr) were not kept\n$/.test(end);
}

/**
 * A command that could not be started is no exception on the wire: other calls share the connection, and
 * clients of conmon-rs close it on any exception.
 */
function notStarted(stderr: Uint8Array): PodherdError {
  const text = new TextDecoder().decode(stderr).trim();
  const coded = parseCodedText(text);
  if (coded !== null) return new PodherdError(coded.code, coded.message);
  return new PodherdError('SERVER_ERROR', text === '' ? 'the command could not be started' : text);
}
