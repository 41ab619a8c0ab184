#!/usr/bin/env node
/**
 * podctl: containers of a Podherd server at a shell.
 *
 *   program      the command tree, and what a wrong command line ends with
 *   commands/    one file a command
 *   invocation   one run of a command: options, connection, clean-up, its exit code
 *   interrupts   signals and broken pipes
 *   container/   from a command line to a container: bundle, folder, log
 *   terminal/    raw mode, detach keys, sizes, whose input and output are joined
 *   top/         the live screen
 *   completion/  scripts for shells, made from the command tree
 *   output/      tables, colours, JSON, units
 *   parse/       what users write: durations, sizes, signals, moments
 *   failure      errors as one line, and hints
 */
import { OWN_FAILURE } from './exit-codes.js';
import { tell } from './failure.js';
import { flushed } from './output/output.js';
import { restoreTerminal } from './terminal/restore.js';
import { runProgram } from './program.js';

// What nobody has caught must not leave a terminal in raw mode, and is a mistake of podctl's.
process.on('uncaughtException', (error) => {
  restoreTerminal();
  const { lines } = tell(error, 'plain');
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(OWN_FAILURE);
});

// A reader that went away is heeded by interrupts.ts, and is no mistake of podctl's before a command has begun either.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

await runProgram(process.argv.slice(2));
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// Standard input may still be open, and must keep nobody waiting.
process.exit();
