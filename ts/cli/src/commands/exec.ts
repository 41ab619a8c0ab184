import type { Command } from 'commander';
import { commandWords, requireTerminal } from '../container/command-line.js';
import { does } from '../invocation.js';
import { parseDuration } from '../parse/duration.js';
import { asIs, collect, parseEnvironment } from '../parse/pairs.js';
import { exitCodeOf } from '../passed-code.js';
import { finish, subcommand } from '../subcommand.js';
import { forwardSignals } from '../terminal/forward-signals.js';
import { join } from '../terminal/join.js';

interface Options {
  interactive?: boolean;
  tty?: boolean;
  env?: (readonly [string, string])[];
  workdir?: string;
  user?: string;
  timeLimit?: number;
  sigProxy: boolean;
}

export function execCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'exec <id> [command...]',
    synopsis: '[options] ID -- COMMAND',
    summary: 'run a command in a container, and end with its exit code',
    details:
      'The command ends with podctl: when podctl is ended, it is killed with all that came of it. Options stand before ' +
      'the id; what follows it is the command.',
    examples: [
      ['podctl exec web -- cat /etc/hosts', 'what it prints; its exit code'],
      ['podctl exec -it web sh', 'a shell'],
      ['tar c . | podctl exec -i web -- tar x -C /srv', 'with input, up to its end'],
      ['podctl exec --time-limit 5s web -- /healthy', 'killed after that time'],
    ],
  })
    .passThroughOptions()
    .option('-i, --interactive', 'pass input on')
    .option('-t, --tty', 'give it a terminal')
    .option(
      '-e, --env <name[=value]>',
      'a variable of its environment; may be repeated',
      collect(parseEnvironment),
    )
    .option('-w, --workdir <dir>', 'its working directory', asIs)
    .option('-u, --user <uid[:gid]>', 'as whom it runs')
    .option('--time-limit <duration>', 'kill it after that time', parseDuration)
    .option('--no-sig-proxy', 'keep signals to podctl, in place of passing them on');
  finish(
    does<Options>(command, 'passing', async (invocation, id = '', ...rest) => {
      const { options, output, interrupts, signal } = invocation;
      const words = commandWords(rest, 'podctl exec ID -- COMMAND');
      const terminal = options.tty === true;
      requireTerminal(terminal, options.interactive === true);
      const pod = await invocation.connect();
      const container = await pod.get(id, invocation.call);
      await using exec = await container.spawn(words, {
        ...invocation.lasting,
        stdin: options.interactive,
        terminal: terminal && process.stdout.isTTY ? size() : terminal,
        env: options.env === undefined ? undefined : Object.fromEntries(options.env),
        cwd: options.workdir,
        user: options.user,
        execTimeoutMs: options.timeLimit,
      });
      const stop =
        options.sigProxy && !(terminal && process.stdin.isTTY)
          ? forwardSignals(
              interrupts,
              (number) => exec.kill(number),
              () => output.note('podctl: the command has not ended; one more signal kills it'),
            )
          : () => {};
      try {
        await join(exec, {
          terminal,
          detachKeys: new Uint8Array(),
          resize: (columns, rows) => exec.resize(columns, rows),
          signal,
        });
        return exitCodeOf(await exec.wait(invocation.lasting));
      } finally {
        stop();
      }
    }),
  );
}

function size(): { columns: number; rows: number } {
  return { columns: process.stdout.columns, rows: process.stdout.rows };
}
