import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { ConmonClient } from '../generated/conmon.js';
import { connectPackets } from '../packets/connect.js';
import { callerOptions } from '../rpc/caller.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';
import { DEFAULT_CALL_TIMEOUT_MS } from '../rpc/session.js';
import { sendDescriptors } from './fd-socket.js';

/** An open file of this process: its number, or something that has one, such as a `FileHandle` or a socket. */
export type Descriptor = number | { readonly fd: number };

/** Descriptors for a container. Copies are sent: this process's own stay open, and are its own to close. */
export interface DescriptorOptions {
  /**
   * Become 3, 4, … of the runtime, in this order. Runtimes hand them on to the container when they are told how
   * many: `createArgs: ['--preserve-fds=1']`.
   */
  additionalFds?: readonly Descriptor[] | undefined;
  /** Held open by the server until the container has ended. */
  leakFds?: readonly Descriptor[] | undefined;
}

/** Where the server has the descriptors. */
export interface DescriptorSlots {
  additionalFds?: bigint[];
  leakFds?: bigint[];
}

/**
 * Send descriptors to the server, and call `use` with their slots. What it doesn't take is closed by the server
 * when `use` has ended, however it ends, or when this process does.
 */
export async function passing<T>(
  client: ConmonClient,
  options: DescriptorOptions & CallOptions,
  use: (slots: DescriptorSlots, options: CallOptions) => Promise<T>,
): Promise<T> {
  const additional = numbers('additionalFds', options.additionalFds);
  const all = [...additional, ...numbers('leakFds', options.leakFds)];
  if (all.length === 0) return use({}, options);
  const deadline = new Deadline('sending descriptors', {
    ...options,
    timeoutMs: options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
  });
  try {
    const { response } = await client.startFdSocket(
      { request: {} },
      callerOptions('socket for descriptors', deadline.rest()),
    );
    if (response === undefined)
      throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a path');
    const connection = await connectPackets(response.path, deadline);
    try {
      deadline.onFire(() => void connection.close());
      const slots = await sendDescriptors(connection, all).catch((thrown: unknown) => {
        deadline.check();
        throw toPodherdError(thrown, 'CONNECTION_FAILED');
      });
      deadline.onFire(null);
      const parts = { additionalFds: slots.splice(0, additional.length), leakFds: slots };
      // Without a limit of the caller's, that of any call holds for each.
      return await use(parts, options.timeoutMs === undefined ? options : deadline.rest());
    } finally {
      await connection.close();
    }
  } finally {
    deadline.stop();
  }
}

function numbers(option: string, descriptors: readonly Descriptor[] = []): number[] {
  return descriptors.map((each) => {
    const number = typeof each === 'number' ? each : each.fd;
    if (Number.isInteger(number) && number >= 0) return number;
    throw new PodherdError('INVALID_ARGUMENT', `${option} holds open descriptors, found ${String(number)}`);
  });
}
