import { PodherdError } from '../errors.js';
import type { Deadline } from '../rpc/deadline.js';
import { loadAddon, type PacketConnection } from './addon.js';

/**
 * Connect to a SEQPACKET socket of the server.
 *
 * @throws PodherdError `CONNECTION_FAILED` with the system's error as the cause; `ADDON_UNAVAILABLE`; the
 *   deadline's error
 */
export async function connectPackets(path: string, deadline: Deadline): Promise<PacketConnection> {
  const { SeqpacketConnection } = await loadAddon();
  deadline.check();
  try {
    return await SeqpacketConnection.connect(path, deadline.rest());
  } catch (cause) {
    deadline.check();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PodherdError('CONNECTION_FAILED', `no connection to the server at ${path}: ${reason}`, {
      cause,
    });
  }
}
