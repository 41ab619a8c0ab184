import type { CapabilityValue, Caller, LocalCapability } from '../../client/src/capnp/index.js';
import { CapabilityClient, encodeStruct } from '../../client/src/capnp/index.js';
import type { CapabilityAdapter } from '../../client/src/capnp/bridge.js';
import { decode, install, libraryMethod, localClient, localServer } from '../../client/src/capnp/bridge.js';
import type { Client } from '../../client/src/capnp/library.js';
import { Conn } from '../../client/src/capnp/library.js';

/** Two ends of a connection in this process: real messages of capnp-ts, without a socket. */
export function connect(served: LocalCapability<unknown>): {
  readonly root: Caller;
  readonly close: () => void;
} {
  const [clientSide, serverSide] = pipe();
  const server = new Conn(serverSide, { main: localServer(served, adapter) });
  const client = new Conn(clientSide);
  const { root } = client.bootstrap({ _capnp: { displayName: 'root', id: '0' }, Client: Root });
  return {
    root: new DirectCaller(root),
    close: () => {
      client.close();
      server.close();
    },
  };
}

class Root {
  readonly root: Client;

  constructor(root: Client) {
    this.root = root;
  }
}

/** The least that a session does: no limits, no cancellation. */
class DirectCaller implements Caller {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  call: Caller['call'] = async (method, params) => {
    const encoded = encodeStruct(method.params, params, method.methodName);
    const promise = this.client.call(libraryMethod(method), (struct) => {
      install(encoded, struct, adapter);
    });
    return decode(method.results, await promise, adapter);
  };

  release(): void {
    this.client.dispose();
  }
}

const adapter: CapabilityAdapter = {
  importCapability: (client) => new DirectCaller(client),
  exportCapability: (value: CapabilityValue) => {
    if (!(value instanceof CapabilityClient)) return localClient(value, adapter);
    if (!(value.caller instanceof DirectCaller)) throw new Error('a client of another kind of session');
    return value.caller.client;
  },
};

interface End {
  close(): void;
  onClose(callback: (error?: Error) => void): void;
  onMessage(callback: (data: Uint8Array) => void): void;
  send(data: Uint8Array): void;
}

function pipe(): [End, End] {
  const receivers: ((data: Uint8Array) => void)[] = [];
  const end = (own: number): End => ({
    close: () => undefined,
    onClose: () => undefined,
    onMessage: (callback) => {
      receivers[own] = callback;
    },
    send: (data) => {
      queueMicrotask(() => receivers[1 - own]?.(data));
    },
  });
  return [end(0), end(1)];
}
