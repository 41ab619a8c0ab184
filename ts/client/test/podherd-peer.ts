import { methodsOf } from '../src/capnp/index.js';
import { Podherd, type PodherdHandlers, servePodherd } from '../src/generated/podherd.js';
import { type Peer, serve } from './rpc/peer.js';

/** Serves our interface on a real socket; what is not among `handlers` is unimplemented. */
export function servePodherdPeer(handlers: Partial<PodherdHandlers>): Promise<Peer> {
  const missing = methodsOf(Podherd).map(({ methodName }) => [
    methodName,
    () => {
      throw new Error(`UNIMPLEMENTED: no ${methodName}`);
    },
  ]);
  const all: Partial<PodherdHandlers> = {
    ...(Object.fromEntries(missing) as Partial<PodherdHandlers>),
    serverInfo: () => ({ info: { schemaVersion: 2, version: '0.0.0', instance: 'peer' } }),
    ...handlers,
  };
  return serve(servePodherd(all as PodherdHandlers) as never);
}
