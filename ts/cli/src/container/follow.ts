import type { Container } from '@podherd/client';
import type { Command } from 'commander';
import { SUCCESS } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { exitCodeOf } from '../passed-code.js';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../terminal/detach-keys.js';
import { forwardSignals } from '../terminal/forward-signals.js';
import { join } from '../terminal/join.js';

/** Options of all commands that follow a container's streams. */
export interface AttachingOptions {
  detachKeys?: Uint8Array;
  sigProxy: boolean;
}

export function attachOptions(command: Command): Command {
  return command
    .option(
      '--detach-keys <keys>',
      `what leaves the container running, on a terminal; "" for nothing (default: ${DEFAULT_DETACH_KEYS})`,
      parseDetachKeys,
    )
    .option('--no-sig-proxy', 'keep signals to podctl, in place of passing them on');
}

/** How a container's streams are followed. */
export interface Following {
  readonly terminal: boolean;
  readonly stdin: boolean;
  /** Whether the container can do without podctl. */
  readonly mayDetach: boolean;
  /** Done as soon as no output can be missed any more. */
  readonly whenAttached?: () => Promise<void>;
}

/**
 * Attach to a container, follow it to its end, and give its exit code; 0 when the detach keys were typed.
 */
export async function attachAndFollow<O extends AttachingOptions>(
  invocation: Invocation<O>,
  container: Container,
  following: Following,
): Promise<number> {
  const { options, output, interrupts, signal } = invocation;
  const { terminal, stdin, mayDetach } = following;
  await using session = await container.attach({ ...invocation.lasting, stopAfterStdinEof: stdin });
  await following.whenAttached?.();
  const stop =
    options.sigProxy && !(terminal && process.stdin.isTTY)
      ? forwardSignals(
          interrupts,
          (number) => container.kill(number),
          () => output.note('podctl: the container has not ended; one more signal ends podctl'),
        )
      : () => {};
  try {
    const outcome = await join(
      { stdin: stdin ? session.stdin : null, stdout: session.stdout, stderr: session.stderr },
      {
        terminal,
        detachKeys: mayDetach
          ? (options.detachKeys ?? parseDetachKeys(DEFAULT_DETACH_KEYS))
          : new Uint8Array(),
        resize: (columns, rows) => container.resize(columns, rows),
        signal,
      },
    );
    if (outcome === 'detached') {
      output.note(`\r\npodctl: detached; ${container.id} goes on (podctl attach ${container.id})`);
      return SUCCESS;
    }
    const failure = await session.closed();
    if (failure !== undefined) throw failure;
    const exit = await container.wait(invocation.lasting);
    if (exit.oomKilled) output.note(`podctl: the kernel killed ${container.id} for memory`);
    return exitCodeOf(exit);
  } finally {
    stop();
  }
}
