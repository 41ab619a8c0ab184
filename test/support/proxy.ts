import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, so that a test can hold up what the client gets, or cut it off. */
export class Proxy {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** Listens at `path`, and connects to the server at `to` for each client. */
  static async listen(path: string, to: string): Promise<Proxy> {
    const proxy = new Proxy(path, to);
    proxy.#server.listen(path);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(path: string, to: string) {
    this.path = path;
    this.#server = createServer((client) => {
      const server = connect(to);
      this.#sockets.add(client).add(server);
      client.pipe(server);
      server.pipe(client);
      // Either side may be gone at any moment; that is what these tests are about.
      for (const socket of [client, server]) socket.on('error', () => this.cut());
    });
  }

  /** The client gets nothing more: the server's answers stay in the socket. */
  hold(): void {
    for (const socket of this.#sockets) socket.unpipe();
    for (const socket of this.#sockets) socket.pause();
  }
}
