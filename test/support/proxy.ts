import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between clients and a server, so that a test can hold up what the clients get. */
export class Proxy {
  readonly path: string;
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();

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
      const pair = { client, server: connect(to) };
      this.#pairs.add(pair);
      client.pipe(pair.server);
      pair.server.pipe(client);
      for (const socket of [client, pair.server]) {
        // Either side may be gone at any moment; that is what such tests are about.
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          pair.server.destroy();
        });
      }
    });
  }

  /** From now on nothing is read of what the server sends. */
  hold(): void {
    for (const { client, server } of this.#pairs) {
      server.unpipe(client);
      server.pause();
    }
  }

  /** From now on nothing passes, in neither direction. */
  silence(): void {
    this.hold();
    for (const { client, server } of this.#pairs) {
      client.unpipe(server);
      client.pause();
    }
  }

  /** Gives the clients what has come, and all that will. */
  release(): void {
    for (const { client, server } of this.#pairs) server.pipe(client);
  }

  /** Closes the connections that there are. It goes on listening. */
  cut(): void {
    for (const pair of this.#pairs) {
      pair.client.destroy();
      pair.server.destroy();
      this.#pairs.delete(pair);
    }
  }

  /** Closes everything. */
  end(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#server.close();
  }
}
