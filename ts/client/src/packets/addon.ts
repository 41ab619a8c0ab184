import { PodherdError } from '../errors.js';

/** A connection of `@podherd/node`, as far as this package uses it. */
export interface PacketConnection {
  /** The packets that have arrived, one at least; null at the end. */
  receive(): Promise<readonly Uint8Array[] | null>;
  send(packet: Uint8Array, descriptors?: readonly number[]): Promise<void>;
  /** Tell the peer that nothing more comes. */
  shutdown(): void;
  close(): Promise<void>;
}

/** `@podherd/node`, as far as this package uses it. */
export interface PacketModule {
  SeqpacketConnection: {
    connect(
      path: string,
      options: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
    ): Promise<PacketConnection>;
  };
}

/** Not a literal: whoever neither attaches nor sends descriptors has no such package, and its types neither. */
const NAME: string = '@podherd/node';

/**
 * Load the package with the addon, which is optional and a binary.
 *
 * @throws PodherdError `ADDON_UNAVAILABLE`
 */
export async function loadAddon(): Promise<PacketModule> {
  try {
    return (await import(NAME)) as PacketModule;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PodherdError('ADDON_UNAVAILABLE', `this needs the package ${NAME}; loading it: ${reason}`, {
      cause,
    });
  }
}
