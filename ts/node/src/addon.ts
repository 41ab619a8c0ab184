import { createRequire } from 'node:module';

/**
 * One socket of the addon. Its calls never block, and give a negative error number where they fail, as
 * libuv's do. The descriptor is closed by `close`, or when the object is collected.
 */
export interface PacketHandle {
  connect(path: string): number;
  /** @returns the packet's length; 0 at the end */
  receive(into: Uint8Array): number;
  send(packet: Uint8Array, descriptors: readonly number[]): number;
  /** Tell the peer that nothing more comes. */
  shutdown(): number;
  /** Resolves when `receive` is worth a try, or after `close`. */
  readable(): Promise<void>;
  /** Resolves when `send` is worth a try, or after `close`. */
  writable(): Promise<void>;
  close(): void;
}

interface Addon {
  PacketHandle: new () => PacketHandle;
}

/** `podherd.node` stands beside `src` and `dist`. */
const addon = createRequire(import.meta.url)('../podherd.node') as Addon;

/** A handle that is not connected yet. */
export function makeHandle(): PacketHandle {
  return new addon.PacketHandle();
}
