import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { findServer } from '@podherd/client';
import { FAILURE, SIGNAL_BASE } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';

/** How one run of the server's binary ended. */
interface BinaryEnd {
  readonly exitCode: number;
  readonly stdout: string;
}

/**
 * Run a subcommand of the server's binary on podctl's own terminal, and give its exit code. Signals reach it
 * through the terminal, or are passed on.
 */
export async function runBinary<O>(
  invocation: Invocation<O>,
  binary: string | undefined,
  args: readonly string[],
): Promise<number> {
  return (await run(invocation, await findServer(binary), args, 'inherit')).exitCode;
}

/** The same, with what it prints in place of printing it. */
export async function readBinary<O>(
  invocation: Invocation<O>,
  binary: string | undefined,
  args: readonly string[],
): Promise<BinaryEnd> {
  return run(invocation, await findServer(binary), args, 'pipe');
}

async function run<O>(
  invocation: Invocation<O>,
  binary: string,
  args: readonly string[],
  output: 'inherit' | 'pipe',
): Promise<BinaryEnd> {
  const child = spawn(binary, args, { stdio: ['ignore', output, 'inherit'] });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const stop = invocation.interrupts.forward((signal) => child.kill(signal));
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) =>
        resolve(signal === null ? (code ?? FAILURE) : SIGNAL_BASE + constants.signals[signal]),
      );
    });
    return { exitCode, stdout };
  } finally {
    stop();
    child.kill('SIGKILL');
  }
}
