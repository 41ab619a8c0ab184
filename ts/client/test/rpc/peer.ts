/**
 * Peers for the session's tests, on real unix sockets: a server over the library's own connection, and
 * one whose every frame is made by the test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Conn, Message } from 'capnp-ts';
import * as rpc from 'capnp-ts/src/std/rpc.capnp.js';
import { type CapabilityAdapter, localClient, localServer } from '../../src/capnp/bridge.js';
import type { LocalCapability } from '../../src/capnp/index.js';
import { FrameReader } from '../../src/rpc/frames.js';

export interface Peer extends AsyncDisposable {
  readonly path: string;
  readonly sockets: Set<Socket>;
  /** End the peer's process, as far as the client can see. */
  kill(): void;
}

/** Listen in a fresh directory. `onConnection` gets each connection. */
export async function listen(onConnection: (socket: Socket) => void): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), 'podherd-peer-'));
  const path = join(directory, 'peer.sock');
  const sockets = new Set<Socket>();
  const server: NetServer = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return {
    path,
    sockets,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await new Promise((resolve) => setImmediate(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A server over the library's connection that offers `object`. */
export function serve(
  object: LocalCapability<never>,
  onConn: (conn: Conn) => void = () => {},
): Promise<Peer> {
  const adapter: CapabilityAdapter = {
    importCapability: () => {
      throw new Error('the test server takes no capabilities');
    },
    exportCapability: (value) => localClient(value as LocalCapability<unknown>, adapter),
  };
  return listen((socket) => {
    const reader = new FrameReader();
    const conn = new Conn(
      {
        close: () => socket.destroy(),
        onClose: (callback) => void socket.on('close', () => callback()),
        onMessage: (deliver) => void socket.on('data', (chunk: Buffer) => reader.push(chunk, deliver)),
        send: (frame: Uint8Array) => void socket.write(frame),
      },
      { main: localServer(object, adapter) },
    );
    onConn(conn);
  });
}

/** A connection whose frames the test reads and makes itself. It answers the bootstrap. */
export class RawConnection {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  /** What the client sent after its bootstrap was answered. */
  readonly received: rpc.Message[] = [];
  #onMessage: (message: rpc.Message, connection: this) => void = () => {};

  constructor(socket: Socket, onMessage: (message: rpc.Message, connection: RawConnection) => void) {
    this.socket = socket;
    this.#onMessage = onMessage;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk, (frame) => {
        const message = new Message(frame, false).getRoot(rpc.Message);
        if (message.which() === rpc.Message_Which.BOOTSTRAP)
          this.answerBootstrap(message.getBootstrap().getQuestionId());
        else {
          this.received.push(message);
          this.#onMessage(message, this);
        }
      });
    });
  }

  answerBootstrap(id: number): void {
    this.send((message) => {
      const answer = message.initReturn();
      answer.setAnswerId(id);
      const payload = answer.initResults();
      payload.initCapTable(1).get(0).setSenderHosted(0);
      // An interface pointer to entry 0 of the table (https://capnproto.org/encoding.html#capabilities-interfaces).
      const { segment, byteOffset } = payload.getContent();
      segment.setUint32(byteOffset, 3);
      segment.setUint32(byteOffset + 4, 0);
    });
  }

  send(fill: (message: rpc.Message) => void): void {
    const message = new Message();
    fill(message.initRoot(rpc.Message));
    this.socket.write(new Uint8Array(message.toArrayBuffer()));
  }

  answerException(id: number, kind: rpc.Exception_Type, reason: string): void {
    this.send((message) => {
      const answer = message.initReturn();
      answer.setAnswerId(id);
      const exception = answer.initException();
      exception.setType(kind);
      exception.setReason(reason);
    });
  }

  answerEmpty(id: number): void {
    this.send((message) => {
      const answer = message.initReturn();
      answer.setAnswerId(id);
      answer.initResults();
    });
  }
}

/** A server whose frames the test makes itself. */
export async function serveRaw(
  onMessage: (message: rpc.Message, connection: RawConnection) => void = () => {},
): Promise<Peer & { connections: RawConnection[] }> {
  const connections: RawConnection[] = [];
  const peer = await listen((socket) => void connections.push(new RawConnection(socket, onMessage)));
  return Object.assign(peer, { connections });
}

export { rpc };
