import { setTimeout as sleep } from 'node:timers/promises';
import type { PodStats } from '@podherd/client';
import type { Command } from 'commander';
import { UsageFailure } from '../failure.js';
import { does, type Invocation } from '../invocation.js';
import { parseDuration } from '../parse/duration.js';
import { type StatsRow, statsColumns } from '../stats/columns.js';
import { RateMeter } from '../stats/rates.js';
import { finish, subcommand } from '../subcommand.js';

/** Milliseconds between two looks, at the least: a look reads files of every container's cgroups. */
export const LEAST_INTERVAL_MS = 1_000;

interface Options {
  stream?: boolean;
  interval: number;
}

export function statsCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'stats [id...]',
    summary: 'what containers use: CPU, memory, processes, I/O, output',
    details:
      'Of those that live, once, with totals; with --stream again and again, with rates. With --json an object for ' +
      'each look: containers, and the server itself.',
    examples: [
      ['podctl stats', 'of all, once'],
      ['podctl stats --stream --interval 5s web', 'of one, every five seconds'],
      ['podctl stats --json | jq .server', 'what the server itself uses'],
    ],
  })
    .option('--stream', 'again and again')
    .option('--interval <duration>', 'between two looks, one second at the least', parseInterval, 2_000);
  finish(
    does<Options>(command, 'plain', async (invocation, ...ids) => {
      const { options, signal } = invocation;
      const pod = await invocation.connect();
      const meter = new RateMeter();
      for (let look = 0; ; look += 1) {
        const stats = await pod.stats({ ...invocation.call, ids });
        show(invocation, stats, meter, look);
        if (options.stream !== true) return;
        await sleep(options.interval, undefined, { signal });
      }
    }),
  );
}

/** A duration that is no shorter than looks may follow each other. */
export function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms >= LEAST_INTERVAL_MS) return ms;
  throw new UsageFailure(`an interval of ${text} is too short`, 'one second at the least');
}

function show(invocation: Invocation<Options>, stats: PodStats, meter: RateMeter, look: number): void {
  const { options, output } = invocation;
  if (output.json) {
    output.printJson(stats);
    return;
  }
  const rates = meter.take(stats, performance.now());
  const rows: StatsRow[] = stats.containers.map((each) => ({
    stats: each,
    rates: rates.get(each.id) ?? null,
  }));
  if (look > 0) output.print('');
  output.printTable(statsColumns(options.stream === true && look > 0), rows);
}
