/**
 * Where generated code meets the connection of capnp-ts.
 *
 * A descriptor becomes a `Method` whose two classes are structs of size zero: capnp-ts then
 * allocates nothing, and resizes nothing that it received. Params are encoded first, because an
 * error inside `Client.call` would leave a question behind that is never answered:
 *
 *     const encoded = encodeStruct(method.params, params, method.methodName);
 *     const promise = client.call(libraryMethod(method), (struct) => install(encoded, struct, adapter));
 *     const results = decode(method.results, await promise, adapter);
 */

import type { CapabilityValue } from './capability-types.js';
import { LocalCapability } from './interface.js';
import type { AnyMethod, Caller, DispatchEntry } from './interface.js';
import { Client, ObjectSize, Server, Struct } from './library.js';
import type { Method, ServerMethod } from './library.js';
import { decodeStruct, encodeStruct, writeStructPointer } from './message.js';
import type { EncodedStruct } from './message.js';
import type { StructCodec } from './struct.js';

/** How a session turns the connection's capabilities into callers, and back. */
export interface CapabilityAdapter {
  /** Called once for each capability that is read; the caller owns the client and releases it. */
  importCapability(client: Client): Caller;
  /** The same value must give the same client while it is exported, or each send exports it anew. */
  exportCapability(value: CapabilityValue): Client;
}

/** The struct class that stands for every params and results struct. */
export class OpaqueStruct extends Struct {
  static override readonly _capnp = { displayName: 'OpaqueStruct', id: '0', size: new ObjectSize(0, 0) };
}

/** A descriptor as the connection takes it. */
export function libraryMethod(method: AnyMethod): Method<OpaqueStruct, OpaqueStruct> {
  const { interfaceId, interfaceName, methodId, methodName } = method;
  return {
    interfaceId,
    interfaceName,
    methodId,
    methodName,
    ParamsClass: OpaqueStruct,
    ResultsClass: OpaqueStruct,
  };
}

/** Set an encoded struct into a message, in place of the empty one that the connection made. */
export function install(encoded: EncodedStruct, into: Struct, adapter: CapabilityAdapter): void {
  const { message } = into.segment;
  encoded.capabilities.forEach((value, index) => {
    const id = message.addCap(adapter.exportCapability(value));
    if (id !== index)
      throw new Error('params and results must be the first of a message to hold capabilities');
  });
  const content = into.segment.allocate(encoded.bytes.length);
  if (content.segment !== into.segment)
    throw new Error('a message that is written must have a single segment');
  const view = new DataView(content.segment.buffer);
  new Uint8Array(view.buffer).set(encoded.bytes, content.byteOffset);
  const distance = (content.byteOffset - into.byteOffset) / 8 - 1;
  writeStructPointer(view, into.byteOffset, encoded.dataWords, encoded.pointerCount, distance);
}

/** Read a struct that the connection received. Throws `MalformedMessageError`. */
export function decode<T>(codec: StructCodec<T, never>, from: Struct, adapter: CapabilityAdapter): T {
  const { segments, capTable } = from.segment.message._capnp;
  const views = segments.map(({ buffer, byteLength }) => new DataView(buffer, 0, byteLength));
  const at = { segment: from.segment.id, offset: from.byteOffset };
  return decodeStruct(codec, views, at, (index) => {
    const client = capTable?.[index];
    return client === undefined || client === null ? undefined : adapter.importCapability(client);
  });
}

const servers = new WeakMap<LocalCapability<unknown>, Client>();

/** An object of ours as the connection's client; always the same one for the same object. */
export function localClient(local: LocalCapability<unknown>, adapter: CapabilityAdapter): Client {
  const known = servers.get(local);
  if (known !== undefined) return known;
  const client = new Client({ tag: 'local', server: localServer(local, adapter) });
  servers.set(local, client);
  return client;
}

/** An object of ours as the connection's server, for its bootstrap. */
export function localServer(local: LocalCapability<unknown>, adapter: CapabilityAdapter): Server {
  return new Server(local.entries.map((entry) => serverMethod(entry, adapter)));
}

function serverMethod(entry: DispatchEntry, adapter: CapabilityAdapter): ServerMethod {
  const { method } = entry;
  return {
    ...libraryMethod(method),
    impl: async (params: Struct, results: Struct) => {
      const value = (await entry.handle(decode(method.params, params, adapter), { method })) ?? {};
      install(encodeStruct(method.results, value as never, `${method.methodName} results`), results, adapter);
    },
  };
}
