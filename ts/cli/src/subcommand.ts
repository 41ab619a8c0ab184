import type { Command } from 'commander';
import { addGlobals } from './globals.js';

/** How a command is made known. */
export interface Description {
  /** Its name and arguments, as commander writes them: `stop <id...>`. */
  readonly usage: string;
  /** What stands behind the name, where that says it better than the arguments do. */
  readonly synopsis?: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** What else is to know of it. */
  readonly details?: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
}

/** A command of podctl. Its own options are added to it, then `finish` adds the global ones. */
export function subcommand(program: Command, description: Description): Command {
  const { usage, synopsis, summary, details, examples } = description;
  const width = Math.max(...examples.map(([line]) => line.length));
  const shown = examples.map(([line, does]) => `  ${line.padEnd(width)}   ${does}`);
  const command = program
    .command(usage)
    .summary(summary)
    .description(details === undefined ? summary : `${summary}\n\n${details}`)
    .addHelpText('after', `\nExamples:\n${shown.join('\n')}`);
  return synopsis === undefined ? command : command.usage(synopsis);
}

/** Let a command take the global options, too. */
export function finish(command: Command): Command {
  return addGlobals(command);
}
