import type { Command } from 'commander';
import { forEachId } from '../each.js';
import { does } from '../invocation.js';
import { parseSignal } from '../parse/signal.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  signal: number;
  all?: boolean;
}

export function killCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'kill <id...>',
    summary: 'send a signal to containers',
    details:
      "Without --all, to the container's first process alone. `podctl stop` ends a container for certain.",
    examples: [
      ['podctl kill web', 'SIGKILL, which ends it'],
      ['podctl kill --signal HUP web', 'another signal'],
      ['podctl kill --all web', 'to every process of the container'],
    ],
  })
    .option('-s, --signal <signal>', 'name or number', parseSignal, parseSignal('KILL'))
    .option('-a, --all', "every process in the container's cgroup");
  finish(
    does<Options>(command, 'plain', async (invocation, ...ids) => {
      const { signal, all } = invocation.options;
      const pod = await invocation.connect();
      return forEachId(invocation, ids, async (id) => {
        await (await pod.get(id, invocation.call)).kill(signal, { ...invocation.call, all });
        return { signal, all: all ?? false };
      });
    }),
  );
}
