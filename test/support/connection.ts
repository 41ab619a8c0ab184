import { ConmonClient } from '../../ts/client/src/generated/conmon.js';
import { PodherdClient } from '../../ts/client/src/generated/podherd.js';
import { SessionCaller } from '../../ts/client/src/rpc/caller.js';
import { Session } from '../../ts/client/src/rpc/session.js';

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

  /** Ends it. Calls in flight reject: to the server, their caller is gone. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
