import { CompatibleLifecycle } from '../fallback/compatible.js';
import type { RuntimePlace } from '../fallback/runtime-calls.js';
import { toPodherdError } from '../error-from.js';
import type { PodherdClient } from '../generated/podherd.js';
import { callerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';
import type { Session } from '../rpc/session.js';
import type { Lifecycle } from './lifecycle.js';
import { NativeLifecycle } from './native.js';

/** Which interface a client speaks: `auto` asks the server, the others insist. */
export type InterfaceChoice = 'auto' | 'podherd' | 'conmon';

/** What a lifecycle may need beside the client. */
export interface LifecyclePlace {
  session: Session;
  /** Directory that server and client both see. */
  directory: string;
  /** The server's runtime, where it is known. */
  runtime: RuntimePlace | null;
}

/** The way to do things with the server at hand: it either knows our interface, or says "unimplemented". */
export async function detectLifecycle(
  client: PodherdClient,
  place: LifecyclePlace,
  choice: InterfaceChoice,
  options: CallOptions,
): Promise<Lifecycle> {
  const isOurs = choice === 'auto' ? await answersOurs(client, options) : choice === 'podherd';
  if (isOurs) return new NativeLifecycle(client);
  return new CompatibleLifecycle(client, place.session, place.directory, place.runtime);
}

async function answersOurs(client: PodherdClient, options: CallOptions): Promise<boolean> {
  try {
    await client.serverInfo({}, callerOptions("the server's information", options));
    return true;
  } catch (thrown) {
    if (toPodherdError(thrown).code === 'UNIMPLEMENTED') return false;
    throw thrown;
  }
}
