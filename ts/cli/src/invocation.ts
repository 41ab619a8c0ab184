import { type CallOptions, Pod } from '@podherd/client';
import type { Command } from 'commander';
import { Cleanups } from './cleanups.js';
import { type CommandKind, tell } from './failure.js';
import { type Globals, globalsOf, serverPlace } from './globals.js';
import { Interrupted, Interrupts } from './interrupts.js';
import { Output } from './output/output.js';
import { SUCCESS } from './exit-codes.js';

/** One run of one command: what it was given, where it prints, what it has to undo. */
export class Invocation<Options = unknown> {
  readonly options: Options;
  readonly globals: Globals;
  readonly output: Output;
  readonly interrupts: Interrupts;
  readonly #cleanups = new Cleanups();

  constructor(options: Options, globals: Globals, output: Output, interrupts: Interrupts) {
    this.options = options;
    this.globals = globals;
    this.output = output;
    this.interrupts = interrupts;
  }

  /** Aborted when the command has to end. */
  get signal(): AbortSignal {
    return this.interrupts.signal;
  }

  /** For calls that have an end of their own. */
  get call(): CallOptions {
    const { timeoutMs } = this.globals;
    return { signal: this.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  /** For calls that last as long as what they wait for. */
  get lasting(): { signal: AbortSignal } {
    return { signal: this.signal };
  }

  /** Connect to the server that was named. It is let go at the command's end. */
  async connect(): Promise<Pod> {
    const pod = await Pod.connect({ ...serverPlace(this.globals), ...this.call, reconnect: false });
    this.onEnd(() => pod.close());
    return pod;
  }

  /** Have something undone at the command's end, whichever way it ends. */
  onEnd(step: () => Promise<void> | void): void {
    this.#cleanups.add(step);
  }

  end(): Promise<void> {
    return this.#cleanups.run();
  }
}

/** What a command does. Gives the exit code, or nothing for 0. */
export type Work<Options> = (invocation: Invocation<Options>, ...args: string[]) => Promise<number | void>;

/** Have a command do `work`; its exit code becomes podctl's. */
export function does<Options>(command: Command, kind: CommandKind, work: Work<Options>): Command {
  return command.action(async (...given: unknown[]) => {
    const self = given.at(-1) as Command;
    const globals = globalsOf(self, process.env);
    const output = new Output({ ...globals, env: process.env });
    const interrupts = new Interrupts();
    const invocation = new Invocation(self.opts<Options & object>(), globals, output, interrupts);
    process.exitCode = await carryOut(invocation, kind, () => work(invocation, ...flat(self.processedArgs)));
    interrupts.stop();
  });
}

async function carryOut<Options>(
  invocation: Invocation<Options>,
  kind: CommandKind,
  work: () => Promise<number | void>,
): Promise<number> {
  let code: number;
  try {
    code = (await work()) ?? SUCCESS;
  } catch (error) {
    code = report(invocation, error, kind);
  }
  try {
    await invocation.end();
  } catch (error) {
    const failed = report(invocation, error, kind);
    if (code === SUCCESS) code = failed;
  }
  return code;
}

/** Say an error, unless somebody interrupted. */
function report<Options>(invocation: Invocation<Options>, error: unknown, kind: CommandKind): number {
  const reason: unknown = invocation.signal.reason;
  if (invocation.signal.aborted && reason instanceof Interrupted) return reason.exitCode;
  const { lines, exitCode } = tell(invocation.signal.aborted ? reason : error, kind);
  const [first = '', ...rest] = lines;
  invocation.output.note(invocation.output.paintNote('red', first));
  for (const line of rest) invocation.output.note(invocation.output.paintNote('dim', line));
  return exitCode;
}

/** Arguments that may be repeated come as a list. */
function flat(args: readonly unknown[]): string[] {
  return args.flat().filter((arg) => arg !== undefined) as string[];
}
