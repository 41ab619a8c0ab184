/**
 * @podherd/node: unix SEQPACKET sockets for Node, and descriptors sent over them.
 *
 * - `connection.ts`: one connection, as promises; boundaries of packets are kept
 * - `socket.ts`: the same as a Node stream
 * - `addon.ts`: the binary behind both, written in Rust (crates/podherd-node)
 * - `system-error.ts`: errors of system calls, as Node's own modules throw them
 */

export { MAX_PACKET_BYTES, SeqpacketConnection } from './connection.js';
export type { ConnectOptions } from './connection.js';
export { SeqpacketSocket } from './socket.js';
