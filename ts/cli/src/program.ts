import { Command, CommanderError } from 'commander';
import { attachCommand } from './commands/attach.js';
import { completionCommand } from './commands/completion.js';
import { createCommand } from './commands/create.js';
import { doctorCommand } from './commands/doctor.js';
import { eventsCommand } from './commands/events.js';
import { execCommand } from './commands/exec.js';
import { inspectCommand } from './commands/inspect.js';
import { killCommand } from './commands/kill.js';
import { logsCommand } from './commands/logs.js';
import { psCommand } from './commands/ps.js';
import { rmCommand } from './commands/rm.js';
import { runCommand } from './commands/run.js';
import { shutdownCommand } from './commands/shutdown.js';
import { startCommand } from './commands/start.js';
import { statsCommand } from './commands/stats.js';
import { stopCommand } from './commands/stop.js';
import { topCommand } from './commands/top.js';
import { validateCommand } from './commands/validate.js';
import { versionCommand } from './commands/version.js';
import { waitCommand } from './commands/wait.js';
import { OWN_FAILURE, SUCCESS, USAGE } from './exit-codes.js';
import { tell } from './failure.js';
import { addGlobals } from './globals.js';

/** Those that end with the code of a process of a container; see exit-codes.ts. */
const PASSING: ReadonlySet<string> = new Set(['run', 'exec', 'attach', 'wait']);

/** In the order of the help text. */
const COMMANDS: readonly (readonly [heading: string, commands: readonly ((program: Command) => void)[]])[] = [
  ['Servers:', [startCommand, shutdownCommand, versionCommand]],
  ['Containers:', [runCommand, createCommand, stopCommand, killCommand, rmCommand, waitCommand]],
  ['Looking at them:', [psCommand, inspectCommand, logsCommand, eventsCommand, statsCommand, topCommand]],
  ['Their processes:', [execCommand, attachCommand]],
  ['Finding faults:', [validateCommand, doctorCommand]],
  ['Shells:', [completionCommand]],
];

const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 wrong command line · 128+n ended by signal n
  run, exec, attach and wait end with the container's own code, and with 125 when podctl or
  the server failed, 126 when the command can't be executed, 127 when there is none.

podctl COMMAND --help says more, with examples.`;

/** The command tree. */
export function makeProgram(): Command {
  const program = new Command('podctl')
    .description('Run containers on a Podherd server, and know how each one ended.')
    .usage('[options] COMMAND')
    .enablePositionalOptions()
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  program.option('-V, --version', 'print the version of podctl');
  addGlobals(program);
  for (const [heading, commands] of COMMANDS) {
    program.commandsGroup(heading);
    for (const add of commands) add(program);
  }
  return program;
}

/** Run a command line to its end. The exit code is left in `process.exitCode`. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const program = makeProgram();
  try {
    // Git and docker take both.
    const given =
      args[0] === '--version' || args[0] === '-V' ? ['version', '--client', ...args.slice(1)] : args;
    await program.parseAsync(given, { from: 'user' });
  } catch (error) {
    process.exitCode = wrongCommandLine(program, args, error);
  }
}

/** What was thrown before a command began: wrong options, or help that was asked for. */
function wrongCommandLine(program: Command, args: readonly string[], error: unknown): number {
  const name = args.find((arg) => program.commands.some((command) => command.name() === arg));
  const passing = name !== undefined && PASSING.has(name);
  if (error instanceof CommanderError) {
    if (error.exitCode === SUCCESS) return SUCCESS;
    // The help text of `podctl` alone has been shown, and says what is wrong.
    if (error.code === 'commander.help') return USAGE;
    const message = error.message.replace(/^error: /, '');
    const help = `podctl ${name === undefined ? '' : `${name} `}--help`;
    process.stderr.write(`podctl: USAGE: ${message.replaceAll('\n', ' ')}\nhint: ${help}\n`);
  } else {
    process.stderr.write(`${tell(error, passing ? 'passing' : 'plain').lines.join('\n')}\n`);
  }
  return passing ? OWN_FAILURE : USAGE;
}
