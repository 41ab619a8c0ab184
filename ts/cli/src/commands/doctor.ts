import type { Command } from 'commander';
import { does } from '../invocation.js';
import { runBinary } from '../server/binary.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  watch?: boolean;
  fix?: boolean;
  server?: string;
}

export function doctorCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'doctor [arguments...]',
    synopsis: '[options] [-- ARGUMENTS]',
    summary: 'look over this machine for what nobody owns any more',
    details:
      'Zombies, monitors without containers and the other way round, stale sockets, leftover state, cgroups and mounts. It is `podherd doctor`: ' +
      'arguments behind -- are its own. Exit codes: 0 healthy, 1 problems were found, 2 wrong command line, 3 it could not look.',
    examples: [
      ['podctl doctor', 'look once'],
      ['podctl doctor --fix', 'clean what is provably dead'],
      ['podctl doctor --watch --json', 'a line for each change'],
      ['podctl doctor -- --help', 'what else it can do'],
    ],
  })
    .option('--watch', 'go on looking, and print what changes')
    .option('--fix', 'clean what is provably dead, and say each thing')
    .option('--server <path>', "the server's binary (default: $PODHERD_SERVER, then podherd in PATH)");
  finish(
    does<Options>(command, 'plain', async (invocation, ...rest) => {
      const { options, globals } = invocation;
      const { runtimeDir } = globals;
      return runBinary(invocation, options.server, [
        'doctor',
        ...(options.watch === true ? ['--watch'] : []),
        ...(options.fix === true ? ['--fix'] : []),
        ...(globals.json ? ['--json'] : []),
        ...(runtimeDir === undefined ? [] : [`--runtime-dir=${runtimeDir}`]),
        ...rest,
      ]);
    }),
  );
}
