/**
 * Everything of capnp-ts that this package uses, in one place: the exact version is pinned, and a
 * change of it is read against this list. `../capnp` uses the first group, `../rpc` the second.
 *
 * Of capnp-ts, only the connection is used. Its struct accessors are not: they write into a
 * received message while reading it, and they lose capabilities and shift list elements when the
 * sender's schema is older than ours. `reader.ts` and `builder.ts` do that work.
 */

export { Client, Message, ObjectSize, Server, Struct } from 'capnp-ts';
export type { Method, ServerMethod, StructCtor } from 'capnp-ts';

export { Conn } from 'capnp-ts';
export type { Transport } from 'capnp-ts';
