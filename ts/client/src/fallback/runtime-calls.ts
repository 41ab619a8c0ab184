import { execFile } from 'node:child_process';
import { PodherdError } from '../errors.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';

/** Milliseconds that one run of the runtime may take, as on the server. */
const RUNTIME_TIMEOUT_MS = 120_000;
/** Bytes taken of the runtime's output. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** What a runtime has to be called with. */
export interface RuntimePlace {
  /** Path of the runtime. */
  path: string;
  /** Root directory of its state; the runtime's own default if undefined. */
  root?: string | undefined;
}

/** What `state` tells (OCI runtime specification, "Query State"). */
export interface RuntimeState {
  id: string;
  status: 'creating' | 'created' | 'running' | 'stopped' | 'paused';
  pid?: number;
  bundle: string;
}

/** Runs of the runtime that a server of conmon-rs leaves to its client. Each is ended with the call that makes it. */
export class RuntimeCalls {
  readonly #place: RuntimePlace;

  constructor(place: RuntimePlace) {
    this.#place = place;
  }

  /**
   * Run a subcommand. The process is killed when the signal aborts or the time is over.
   *
   * @returns its standard output
   */
  async run(globalArgs: readonly string[], args: readonly string[], options: CallOptions): Promise<string> {
    const { path, root } = this.#place;
    const what = `${path} ${args.join(' ')}`;
    const deadline = new Deadline(what, {
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? RUNTIME_TIMEOUT_MS,
    });
    const all = [...(root === undefined ? [] : [`--root=${root}`]), ...globalArgs, ...args];
    try {
      deadline.check();
      return await new Promise<string>((resolve, reject) => {
        const child = execFile(path, all, { maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
          if (deadline.error !== null) reject(deadline.error.withUnknownOutcome());
          else if (error !== null) reject(failure(what, error, stderr));
          else resolve(stdout);
        });
        deadline.onFire(() => child.kill('SIGKILL'));
      });
    } finally {
      deadline.stop();
    }
  }

  /** @throws PodherdError `CONTAINER_NOT_FOUND` when the runtime knows no such container */
  async state(id: string, globalArgs: readonly string[], options: CallOptions): Promise<RuntimeState> {
    const output = await this.run(globalArgs, ['state', id], options);
    try {
      return JSON.parse(output) as RuntimeState;
    } catch (cause) {
      throw new PodherdError('RUNTIME_FAILED', `the runtime's state of ${id} cannot be read`, { cause });
    }
  }
}

/** The runtimes' messages are for people; the few that callers branch on are the same in runc and crun. */
function failure(
  what: string,
  error: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  stderr: string,
): PodherdError {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const options = { cause: error };
  if (error.code === 'ENOENT' || error.code === 'EACCES') {
    return new PodherdError('RUNTIME_UNAVAILABLE', `the runtime cannot be run: ${error.message}`, options);
  }
  if (typeof error.signal === 'string')
    return new PodherdError('RUNTIME_KILLED', `${what} was killed by ${error.signal}`, options);
  const code = /does not exist|\/status`: No such file/.test(said)
    ? 'CONTAINER_NOT_FOUND'
    : /not stopped|not in .*stopped`? state|is running/.test(said)
      ? 'CONTAINER_ALIVE'
      : /not running|already finished|not in created state|stopped/.test(said)
        ? 'CONTAINER_NOT_RUNNING'
        : 'RUNTIME_FAILED';
  return new PodherdError(code, said === '' ? `${what}: ${error.message}` : said, options);
}
