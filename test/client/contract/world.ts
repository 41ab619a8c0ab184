import type { Container, CreateContainerOptions, Pod } from '../../../ts/client/src/index.js';

/** What containers of the contract do. Each world has its own way to make them do so. */
export type Behaviour =
  /** Runs until it is killed; SIGTERM does not reach it. */
  | 'pause'
  /** Ends at once with exit code 7. */
  | 'exit-7'
  /** Ends with exit code 9 at a SIGTERM. */
  | 'ends-on-term'
  /** Writes "out" and "err", and ends with 3. */
  | 'says'
  /** Copies its input to its output. */
  | 'echo'
  /** Is killed for memory. */
  | 'oom'
  /** Its command does not exist. */
  | 'missing';

/** Options of a create that a world passes on. */
export type WorldOptions = Partial<Omit<CreateContainerOptions, 'id' | 'bundle'>>;

/**
 * Where the contract is tried: a server, and clients of it. Commands in its containers are `true`, `no-such-command`,
 * `cat`, and `sh -c` with `exit N`, `echo out; echo err >&2; exit 5` and `sleep 60`.
 */
export interface World {
  /** The client that owns the server. */
  readonly pod: Pod;
  /** Another client of the same server; it is closed with the world. */
  connect(): Promise<Pod>;
  create(id: string, behaviour: Behaviour, options?: WorldOptions): Promise<Container>;
  /** Where a log file may be. */
  path(name: string): string;
}
