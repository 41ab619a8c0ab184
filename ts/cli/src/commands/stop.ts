import type { Command } from 'commander';
import { forEachId } from '../each.js';
import { does } from '../invocation.js';
import { withProgress } from '../output/progress.js';
import { parseDuration } from '../parse/duration.js';
import { parseSignal } from '../parse/signal.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  signal?: number;
  grace?: number;
}

export function stopCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'stop <id...>',
    summary: 'end containers: the stop signal, a time of grace, then all of it is killed',
    details:
      "Signal and grace are the container's own (`run --stop-signal --stop-timeout`) unless they are given.",
    examples: [
      ['podctl stop web', 'end it'],
      ['podctl stop --grace 1s web db', 'both, with a second for each to end by itself'],
      ['podctl stop --signal INT web', 'with another signal'],
    ],
  })
    .option('-s, --signal <signal>', 'name or number', parseSignal)
    .option('-t, --grace <duration>', 'how long it may take before it is killed', parseDuration);
  finish(
    does<Options>(command, 'plain', async (invocation, ...ids) => {
      const { signal: stopSignal, grace: graceMs } = invocation.options;
      const pod = await invocation.connect();
      const stopped = forEachId(invocation, ids, async (id) => {
        const container = await pod.get(id, invocation.call);
        const { killed, exit } = await container.stop({ ...invocation.call, stopSignal, graceMs });
        return { killed, exit };
      });
      return withProgress(invocation.output, `stopping ${ids.join(', ')}`, stopped);
    }),
  );
}
