import { once } from 'node:events';
import { createDeflate, createInflate, constants, type Deflate, type Inflate } from 'node:zlib';

// The dictionary of SPDY/3 (draft-mbelshe-httpbis-spdy-00, section 2.6.10.1).
const words =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age ' +
  'allow authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie ' +
  'keep-alive origin';
const tail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,' +
  'text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

function lengthAnd(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text, 'latin1')]);
}

const dictionary = Buffer.concat([
  ...words.split(' ').map((word) => lengthAnd(word.replace('_', ' '))),
  Buffer.from(tail, 'latin1'),
]);

/** Types of control frames. */
export const frameType = { open: 1, reply: 2, reset: 3, ping: 6, goAway: 7 } as const;

/** A frame as it was sent: `type` is undefined for data. */
export interface SpdyFrame {
  type: number | undefined;
  stream: number;
  fin: boolean;
  payload: Buffer;
}

/** Writes the frames of a client, one zlib state for all header blocks. */
export class SpdyWriter {
  readonly #zlib: Deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH });
  #turn: Promise<unknown> = Promise.resolve();

  /** SYN_STREAM. Frames have to be sent in the order in which they were asked for. */
  open(stream: number, headers: Record<string, string>): Promise<Buffer> {
    const opened = this.#turn.then(async () => {
      const fields = Object.entries(headers);
      const count = Buffer.alloc(4);
      count.writeUInt32BE(fields.length);
      const block = Buffer.concat([count, ...fields.flat().map(lengthAnd)]);
      const head = Buffer.alloc(10);
      head.writeUInt32BE(stream);
      return control(frameType.open, Buffer.concat([head, await transform(this.#zlib, block)]));
    });
    this.#turn = opened;
    return opened;
  }
}

/** Checks the header blocks of a server. */
export class SpdyHeaderReader {
  readonly #zlib: Inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH });

  read(block: Buffer): Promise<Buffer> {
    return transform(this.#zlib, block);
  }
}

async function transform(zlib: Deflate | Inflate, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const take = (chunk: Buffer): void => void chunks.push(chunk);
  zlib.on('data', take);
  zlib.write(bytes);
  while (chunks.length === 0) await once(zlib, 'data');
  zlib.off('data', take);
  return Buffer.concat(chunks);
}

/** DATA */
export function dataFrame(stream: number, data: Uint8Array, fin = false): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(stream);
  head.writeUInt32BE((fin ? 1 << 24 : 0) | data.length, 4);
  return Buffer.concat([head, data]);
}

/** RST_STREAM */
export function resetFrame(stream: number, status = 5): Buffer {
  return control(frameType.reset, twoWords(stream, status));
}

/** PING */
export function pingFrame(id: number): Buffer {
  return control(frameType.ping, twoWords(id, 0).subarray(0, 4));
}

/** GOAWAY */
export function goAwayFrame(): Buffer {
  return control(frameType.goAway, twoWords(0, 0));
}

function twoWords(first: number, second: number): Buffer {
  const words = Buffer.alloc(8);
  words.writeUInt32BE(first);
  words.writeUInt32BE(second, 4);
  return words;
}

function control(type: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x80, 3, 0, type, 0, 0, 0, 0]);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** Takes bytes in whatever pieces, and gives frames. */
export class SpdyParser {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): SpdyFrame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: SpdyFrame[] = [];
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUIntBE(5, 3);
      if (this.#rest.length < 8 + length) break;
      const isControl = (this.#rest[0]! & 0x80) !== 0;
      const payload = this.#rest.subarray(8, 8 + length);
      frames.push({
        type: isControl ? this.#rest.readUInt16BE(2) : undefined,
        stream: isControl ? payload.readUInt32BE(0) : this.#rest.readUInt32BE(0),
        fin: (this.#rest[4]! & 1) !== 0,
        payload,
      });
      this.#rest = this.#rest.subarray(8 + length);
    }
    return frames;
  }
}
