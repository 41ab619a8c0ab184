import type { Command } from 'commander';
import { does } from '../invocation.js';
import { finish, subcommand } from '../subcommand.js';
import { attachAndFollow, attachOptions, type AttachingOptions } from '../container/follow.js';

export function attachCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'attach <id>',
    summary: "join a container's input and output, and end with its exit code",
    details:
      'Of a container with a terminal, the detach keys leave it running. Of one without, signals are passed on to it, ' +
      'unless --no-sig-proxy is given.',
    examples: [
      ['podctl attach web', 'until it ends, or ctrl-p ctrl-q'],
      ['podctl attach --no-stdin web', 'its output alone'],
      ['podctl attach --detach-keys ctrl-] web', 'with other keys'],
    ],
  }).option('--no-stdin', 'do not pass input on');
  finish(
    does<AttachingOptions & { stdin: boolean }>(
      attachOptions(command),
      'passing',
      async (invocation, id = '') => {
        const pod = await invocation.connect();
        const container = await pod.get(id, invocation.call);
        const { terminal } = await container.status(invocation.call);
        const stdin = invocation.options.stdin;
        return attachAndFollow(invocation, container, { terminal, stdin, mayDetach: true });
      },
    ),
  );
}
