/**
 * The runtime of the generated code in `../generated`: plain objects to Cap'n Proto and back.
 *
 * - `data-types.ts`, `pointer-types.ts`, `capability-types.ts`: the types a field can have
 * - `struct.ts`: a struct's codec, made from its table of fields; groups and unions
 * - `interface.ts`: methods, the `Caller` that clients call through, handlers
 * - `segments.ts`, `reader.ts`: reading a message, with every pointer checked
 * - `builder.ts`: writing one
 * - `message.ts`: whole structs and messages
 * - `errors.ts`: `InvalidValueError` (ours to send), `MalformedMessageError` (got)
 *
 * `bridge.ts` and `library.ts` are not exported here: they are for `../rpc` alone, the only one
 * that knows of a connection.
 */

export { AnyPointer, anyPointer } from './any-pointer.js';
export { capability } from './capability-types.js';
export type { CapabilityInit, CapabilityValue } from './capability-types.js';
export * from './data-types.js';
export { constant, withDefault } from './defaults.js';
export { InvalidValueError, MalformedMessageError } from './errors.js';
export { CapabilityClient, LocalCapability, isSubtype, methodsOf } from './interface.js';
export type {
  AnyMethod,
  Caller,
  CallContext,
  CallOptions,
  DispatchEntry,
  InterfaceDescriptor,
  MethodDescriptor,
} from './interface.js';
export { decodeMessage, encodeMessage, encodeStruct } from './message.js';
export type { EncodedStruct } from './message.js';
export { data, list, struct, structList, text } from './pointer-types.js';
export type { PointerType, StructType } from './pointer-types.js';
export { StreamResult, dataField, groupField, pointerField, structCodec, voidField } from './struct.js';
export type { Field, GroupCodec, NoMembers, StructCodec } from './struct.js';
