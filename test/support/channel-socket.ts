import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

import { within } from './until.js';

/** Channels of exec and attach. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** How a session went. */
export interface SessionStatus {
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  code?: number;
  details?: { causes: { reason?: string; message: string }[] };
}

/** A WebSocket with channels, as the clients of Kubernetes use it. */
export class ChannelSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #base64: boolean;
  readonly #received = new Map<number, Buffer[]>();
  readonly #events = new EventEmitter().setMaxListeners(0);

  static async open(url: string, protocol = 'v5.channel.k8s.io'): Promise<ChannelSocket> {
    const socket = new WebSocket(url, protocol === '' ? [] : [protocol], { perMessageDeflate: false });
    // Messages may come with the answer to the handshake: whoever takes them has to be there already.
    const opened = new ChannelSocket(socket, protocol.includes('base64'));
    await within('the handshake', once(socket, 'open'));
    return opened;
  }

  private constructor(socket: WebSocket, base64: boolean) {
    this.socket = socket;
    this.#base64 = base64;
    socket.on('message', (message: Buffer) => this.#take(message));
    socket.on('error', (error) => this.#events.emit('fault', error));
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#events.emit('change');
      });
    });
  }

  /** All data of a channel so far. */
  data(channel: number): Buffer {
    return Buffer.concat(this.#received.get(channel) ?? []);
  }

  /** Data of a channel once there is enough of it. */
  async until(channel: number, enough: (text: string) => boolean): Promise<string> {
    return within(
      `enough on channel ${channel}`,
      (async () => {
        for (;;) {
          const text = this.data(channel).toString('latin1');
          if (enough(text)) return text;
          if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed; there was: ${text}`);
          await once(this.#events, 'change');
        }
      })(),
    );
  }

  /** The status that ends a session, and its end. */
  async end(limitMs?: number): Promise<SessionStatus> {
    const { code, reason } = await within('the end of the session', this.closed, limitMs);
    const text = this.data(channels.error).toString();
    if (text === '') throw new Error(`closed with ${code} ${reason}, and without a status`);
    return JSON.parse(text) as SessionStatus;
  }

  /** Sends data; resolves once the socket has taken it. */
  send(channel: number, data: Uint8Array | string): Promise<void> {
    const bytes = Buffer.from(data);
    const message = this.#base64
      ? `${String.fromCharCode(48 + channel)}${bytes.toString('base64')}`
      : Buffer.concat([Buffer.of(channel), bytes]);
    return new Promise((resolve, reject) => {
      this.socket.send(message, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends one of the client's channels. */
  closeChannel(channel: number): Promise<void> {
    return this.send(channels.close, Buffer.of(channel));
  }

  #take(message: Buffer): void {
    const channel = this.#base64 ? message[0]! - 48 : message[0]!;
    const data = this.#base64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
    const chunks = this.#received.get(channel) ?? [];
    this.#received.set(channel, chunks);
    chunks.push(data);
    this.#events.emit('change');
  }
}

/** An HTTP error that a handshake ended with. */
export interface Refused {
  code: number;
  headers: IncomingMessage['headers'];
  body: SessionStatus;
}

/** Opens a WebSocket that must be refused. */
export async function refusedHandshake(
  url: string,
  options: { protocols?: string[]; headers?: Record<string, string> } = {},
): Promise<Refused> {
  const { protocols = ['v5.channel.k8s.io'], headers = {} } = options;
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
  const response = await within(
    'the refusal',
    new Promise<IncomingMessage>((resolve, reject) => {
      socket.on('unexpected-response', (_, answer) => resolve(answer));
      socket.on('open', () => reject(new Error('the handshake was accepted')));
      socket.on('error', reject);
    }),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as SessionStatus;
  return { code: response.statusCode!, headers: response.headers, body };
}
