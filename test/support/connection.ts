import { ConmonClient } from '../../ts/client/src/generated/conmon.js';
import {
  type ContainerStatus,
  PodherdClient,
  type ReaperStatus,
} from '../../ts/client/src/generated/podherd.js';
import { SessionCaller } from '../../ts/client/src/rpc/caller.js';
import { Session } from '../../ts/client/src/rpc/session.js';
import { HANG_MS } from './until.js';

/** What a server has filled in. Absent, it is a fault of the server's. */
export function answered<T>(response: T | undefined): T {
  if (response === undefined) throw new Error('the server answered with nothing in it');
  return response;
}

/** One connection to a server, with nothing between the test and the wire but the session. */
export class Connection {
  /** The compatible interface: any server has it. */
  readonly conmon: ConmonClient;
  /** Ours; another server answers `unimplemented`. */
  readonly podherd: PodherdClient;
  readonly #session: Session;

  static async open(socketPath: string): Promise<Connection> {
    return new Connection(await Session.connect(socketPath));
  }

  private constructor(session: Session) {
    this.#session = session;
    const caller = new SessionCaller(session, session.root);
    this.conmon = new ConmonClient(caller);
    this.podherd = new PodherdClient(caller);
  }

  /** What our server knows of a container. */
  async status(id: string): Promise<ContainerStatus> {
    return answered((await this.podherd.containerStatus({ id })).status);
  }

  /** The same once it has ended. */
  async statusAtEnd(id: string): Promise<ContainerStatus> {
    const { status } = await this.podherd.waitContainer({ id, until: 'exited', timeoutMillis: HANG_MS });
    return answered(status);
  }

  /** What our server's reaper counts. */
  async reaperStatus(): Promise<ReaperStatus> {
    return answered((await this.podherd.reaperStatus({})).status);
  }

  /** Ends it. Calls in flight reject: to the server, their caller is gone. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
