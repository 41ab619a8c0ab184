import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import { PodherdClient, type ServerInfo } from '../generated/podherd.js';
import { callerOptions, SessionCaller } from '../rpc/caller.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';
import { Session } from '../rpc/session.js';
import type { Dialled } from './link.js';

/** Which interface a client speaks: `auto` asks the server, the others insist. */
export type InterfaceChoice = 'auto' | 'podherd' | 'conmon';

/** Connect to a server, and ask it what it is: it either knows our interface, or says "unimplemented". */
export async function dial(
  socketPath: string,
  choice: InterfaceChoice,
  options: CallOptions,
): Promise<Dialled> {
  const deadline = new Deadline(`connecting to ${socketPath}`, options);
  const session = await Session.connect(socketPath, deadline.rest()).finally(() => deadline.stop());
  try {
    const info = choice === 'conmon' ? null : await askInfo(session, choice, deadline.rest());
    return { session, info };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function askInfo(
  session: Session,
  choice: InterfaceChoice,
  options: CallOptions,
): Promise<ServerInfo | null> {
  const client = new PodherdClient(new SessionCaller(session, session.root));
  try {
    const { info } = await client.serverInfo({}, callerOptions("the server's information", options));
    if (info !== undefined) return info;
  } catch (thrown) {
    const error = toPodherdError(thrown);
    if (error.code !== 'UNIMPLEMENTED') throw error;
    if (choice === 'auto') return null;
    throw new PodherdError('UNIMPLEMENTED', "the server speaks conmon-rs's protocol only", { cause: error });
  }
  throw new PodherdError('PROTOCOL_ERROR', 'the server answered without information');
}
