import { EventEmitter, once } from 'node:events';
import { WebSocket } from 'ws';

import {
  dataFrame,
  frameType,
  goAwayFrame,
  pingFrame,
  resetFrame,
  type SpdyFrame,
  SpdyHeaderReader,
  SpdyParser,
  SpdyWriter,
} from './spdy.js';
import { within } from './until.js';

const protocol = 'SPDY/3.1+portforward.k8s.io';

/** A stream of a tunnel, as the client sees it. */
export class TunnelStream {
  readonly id: number;
  readonly #tunnel: Tunnel;
  readonly #events = new EventEmitter().setMaxListeners(0);
  #chunks: Buffer[] = [];
  /** The server sends nothing more on it. */
  ended = false;
  /** Status of the server's reset. */
  reset: number | undefined;
  replied = false;

  constructor(tunnel: Tunnel, id: number) {
    this.#tunnel = tunnel;
    this.id = id;
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  write(data: Uint8Array, fin = false): Promise<void> {
    return this.#tunnel.send(dataFrame(this.id, data, fin));
  }

  /** Ends the client's way. */
  finish(): Promise<void> {
    return this.write(new Uint8Array(), true);
  }

  cancel(): Promise<void> {
    return this.#tunnel.send(resetFrame(this.id));
  }

  /** Waits until `holds`. */
  async until(what: string, holds: (stream: this) => boolean): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!holds(this)) {
        if (this.#tunnel.socket.readyState === WebSocket.CLOSED)
          throw new Error(`closed while waiting for ${what}`);
        await once(this.#events, 'change');
      }
    };
    await within(`${what} of stream ${this.id}`, wait(), 60_000);
  }

  /** All data once the server has ended its way. */
  async all(): Promise<Buffer> {
    await this.until('the end', ({ ended, reset }) => ended || reset !== undefined);
    return this.data;
  }

  take(frame: SpdyFrame): void {
    if (frame.type === undefined) {
      this.#chunks.push(frame.payload);
      this.ended ||= frame.fin;
    }
    if (frame.type === frameType.reply) this.replied = true;
    if (frame.type === frameType.reset) this.reset = frame.payload.readUInt32BE(4);
    this.changed();
  }

  changed(): void {
    this.#events.emit('change');
  }
}

/** SPDY/3.1 in a WebSocket, as kubectl forwards ports. */
export class Tunnel {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #writer = new SpdyWriter();
  readonly #reader = new SpdyHeaderReader();
  readonly #parser = new SpdyParser();
  readonly #streams = new Map<number, TunnelStream>();
  readonly #other = new EventEmitter();
  #checks: Promise<unknown> = Promise.resolve();
  #nextStream = 1;
  #nextRequest = 0;

  static async open(url: string): Promise<Tunnel> {
    // The name has a slash in it, which ws rightly takes for a fault: so it knows it by another.
    const socket = new WebSocket(url, ['tunnel'], {
      perMessageDeflate: false,
      finishRequest: (request) => {
        request.setHeader('Sec-WebSocket-Protocol', protocol);
        request.end();
      },
    });
    socket.on('upgrade', ({ headers }) => {
      if (headers['sec-websocket-protocol'] === protocol) headers['sec-websocket-protocol'] = 'tunnel';
    });
    const tunnel = new Tunnel(socket);
    await within('the handshake', once(socket, 'open'));
    return tunnel;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (message: Buffer) => {
      for (const frame of this.#parser.push(message)) this.#take(frame);
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        resolve(code);
        for (const stream of this.#streams.values()) stream.changed();
      });
    });
  }

  /** Opens a stream with these headers. */
  async stream(headers: Record<string, string>): Promise<TunnelStream> {
    const stream = new TunnelStream(this, this.#nextStream);
    this.#nextStream += 2;
    this.#streams.set(stream.id, stream);
    await this.send(await this.#writer.open(stream.id, headers));
    await stream.until('the reply', ({ replied, reset }) => replied || reset !== undefined);
    return stream;
  }

  /** Opens the two streams of a connection, in kubectl's order. */
  async connect(port: number): Promise<{ data: TunnelStream; error: TunnelStream }> {
    const requestid = String(this.#nextRequest++);
    const error = await this.stream({ streamtype: 'error', port: String(port), requestid });
    await error.finish();
    const data = await this.stream({ streamtype: 'data', port: String(port), requestid });
    return { data, error };
  }

  async ping(id: number): Promise<void> {
    const answer = once(this.#other, 'ping');
    await this.send(pingFrame(id));
    const [answered] = (await within('the answer to a ping', answer)) as [number];
    if (answered !== id) throw new Error(`ping ${id} was answered with ${answered}`);
  }

  leave(): Promise<void> {
    return this.send(goAwayFrame());
  }

  send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(frame, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Rejects when a header block of the server's could not be read. */
  async close(): Promise<void> {
    this.socket.close(1000);
    await within('the close', this.closed);
    await within('the header blocks', this.#checks);
  }

  #take(frame: SpdyFrame): void {
    if (frame.type === frameType.ping) this.#other.emit('ping', frame.stream);
    if (frame.type === frameType.reply) {
      const block = frame.payload.subarray(4);
      this.#checks = this.#checks.then(async () => {
        const headers = await this.#reader.read(block);
        if (!headers.equals(Buffer.alloc(4)))
          throw new Error(`a reply with headers: ${headers.toString('hex')}`);
      });
    }
    this.#streams.get(frame.stream)?.take(frame);
  }
}
