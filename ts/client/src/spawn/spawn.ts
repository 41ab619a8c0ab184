import type { CgroupManager } from '../create-options.js';
import { PodherdError } from '../errors.js';
import type { PodherdClient } from '../generated/podherd.js';
import { callerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';
import { Input } from '../streams/input.js';
import { Output } from '../streams/output.js';
import { outputSink } from '../streams/output-sink.js';
import { Exec } from './exec.js';
import { Hold } from './hold.js';

/** How a command is started. The signal ends it too, `timeoutMs` only the way to it. */
export interface SpawnOptions extends CallOptions {
  /** Give it an input; otherwise it reads an end of file. Default false. */
  stdin?: boolean | undefined;
  /** False: what it writes there is thrown away. Default true. */
  stdout?: boolean | undefined;
  stderr?: boolean | undefined;
  /** Give it a pseudo-terminal, of this size: all output comes as `stdout`. Default false. */
  terminal?: boolean | { columns: number; rows: number } | undefined;
  /** Its environment, beside the container's own. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Its working directory. Default: the container's own. */
  cwd?: string | undefined;
  /** `UID` or `UID:GID`. Default: the container's own. */
  user?: string | undefined;
  /** Milliseconds after which the *server* kills it with all that came of it. Default: never. */
  execTimeoutMs?: number | undefined;
  /** A name by which `attach` finds it while it runs (`execSessionId`). */
  sessionId?: string | undefined;
  /** As the container was created with. Default `cgroupfs`. */
  cgroupManager?: CgroupManager | undefined;
}

/** Start a command in a container. See `Container.spawn`. */
export async function spawn(
  client: PodherdClient,
  id: string,
  command: readonly string[],
  options: SpawnOptions,
): Promise<Exec> {
  const { terminal = false, stdout: wantsOut = true, stderr: wantsErr = true, signal } = options;
  const size = typeof terminal === 'object' ? terminal : { columns: 0, rows: 0 };
  const stdout = new Output();
  const stderr = new Output();
  if (!wantsOut) stdout.finish();
  if (!wantsErr || terminal !== false) stderr.finish();
  const what = `exec in ${id}`;
  const { session, stdin, execId, pid } = await client.exec(
    {
      request: {
        id,
        command,
        ...size,
        terminal: terminal !== false,
        stdin: options.stdin,
        environment: Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`),
        workingDirectory: options.cwd,
        user: options.user,
        timeoutMillis: Math.ceil(options.execTimeoutMs ?? 0),
        sessionId: options.sessionId,
        cgroupManager: options.cgroupManager ?? 'cgroupfs',
      },
      ...(wantsOut ? { stdout: outputSink(stdout) } : {}),
      ...(wantsErr && terminal === false ? { stderr: outputSink(stderr) } : {}),
    },
    callerOptions(what, options),
  );
  if (session === undefined)
    throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a session');
  const input = stdin === undefined ? null : new Input(stdin, 'end');
  return new Exec({ execId, pid, stdin: input, stdout, stderr, hold: new Hold(session, what, signal) });
}
