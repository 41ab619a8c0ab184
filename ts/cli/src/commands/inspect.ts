import type { ContainerStats, ContainerStatus, Pod } from '@podherd/client';
import type { Command } from 'commander';
import { commandOf } from '../container/bundle-command.js';
import { type ProcessFacts, processFacts } from '../container/process-facts.js';
import { does, type Invocation } from '../invocation.js';
import { rfc3339 } from '../output/json.js';
import { printable } from '../output/text.js';
import { bytes, duration, rate } from '../output/units.js';
import { labelsText, outcome } from '../status-text.js';
import { finish, subcommand } from '../subcommand.js';

/** All that is known of a container. */
interface Inspected extends ContainerStatus {
  /** Program and arguments as the bundle has them; null when it is gone. */
  command: string[] | null;
  /** Of init; null when it has ended, or lives where this machine's /proc does not show it. */
  process: ProcessFacts | null;
  /** Null when it has ended, or when the server tells none. */
  stats: ContainerStats | null;
}

export function inspectCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'inspect <id...>',
    summary: 'all that is known of containers',
    details: 'With --json a list, of one container as well.',
    examples: [
      ['podctl inspect web', 'for people'],
      ["podctl inspect --json web | jq '.[0].exit'", 'for scripts'],
    ],
  });
  finish(
    does(command, 'plain', async (invocation, ...ids) => {
      const { output } = invocation;
      const pod = await invocation.connect();
      const found = await Promise.all(ids.map((id) => inspect(invocation, pod, id)));
      if (output.json) {
        output.printJson(found);
        return;
      }
      for (const [at, each] of found.entries()) {
        if (at > 0) output.print('');
        const lines = facts(each).filter(([, value]) => value !== '-');
        const width = Math.max(...lines.map(([name]) => name.length));
        for (const [name, value] of lines)
          output.print(`${output.paint('bold', name.padEnd(width))}  ${value}`);
      }
    }),
  );
}

async function inspect(invocation: Invocation, pod: Pod, id: string): Promise<Inspected> {
  const container = await pod.get(id, invocation.call);
  const status = await container.status(invocation.call);
  const stats = status.exit === null ? await container.stats(invocation.call).catch(() => null) : null;
  return {
    ...status,
    command: await commandOf(status.bundle),
    process: status.pid === null ? null : await processFacts(status.pid),
    stats,
  };
}

function facts(container: Inspected): [name: string, value: string][] {
  const { stats, process, createdAt, startedAt, exit, rateLimit } = container;
  return [
    ['id', printable(container.id)],
    ['state', container.state],
    ['outcome', outcome(container)],
    ['command', container.command === null ? '-' : printable(container.command.join(' '))],
    ['labels', labelsText(container)],
    ['created', createdAt === null ? '-' : rfc3339(createdAt)],
    ['started', startedAt === null ? '-' : rfc3339(startedAt)],
    ['ended', exit?.exitedAt == null ? '-' : rfc3339(exit.exitedAt)],
    ['bundle', printable(container.bundle)],
    ['log', container.logPaths.length === 0 ? '-' : printable(container.logPaths.join(', '))],
    ['log dropped', container.droppedLogBytes === 0 ? '-' : bytes(container.droppedLogBytes)],
    ['terminal', container.terminal ? 'yes' : 'no'],
    ['stop', `${container.stopSignal}, then ${duration(container.stopGraceMs)}`],
    ['rate limit', rateLimit === null ? '-' : rate(rateLimit.bytesPerSecond)],
    ['held back', container.heldBackMs === 0 ? '-' : duration(container.heldBackMs)],
    ['execs', container.execs === 0 ? '-' : String(container.execs)],
    ['pid', String(container.pid ?? '-')],
    ['cgroups', process === null ? '-' : printable([...new Set(Object.values(process.cgroups))].join(', '))],
    ...Object.entries(process?.namespaces ?? {}).map(([type, id]): [string, string] => [
      `namespace ${type}`,
      id,
    ]),
    ...(stats === null ? [] : statFacts(stats)),
  ];
}

function statFacts({ cpu, memory, pids, io, log }: ContainerStats): [name: string, value: string][] {
  const limit = memory.limitBytes === null ? '' : ` of ${bytes(memory.limitBytes)}`;
  return [
    [
      'cpu',
      `${duration(cpu.usageMs)}${cpu.throttledMs > 0 ? `, throttled ${duration(cpu.throttledMs)}` : ''}`,
    ],
    ['memory', `${bytes(memory.workingSetBytes)}${limit}, with caches ${bytes(memory.usageBytes)}`],
    ['memory peak', bytes(memory.peakBytes)],
    ['oom kills', memory.oomKills === 0 ? '-' : String(memory.oomKills)],
    ['processes', `${pids.current}${pids.limit === null ? '' : ` of ${pids.limit}`}`],
    ['read, written', `${bytes(io.readBytes)}, ${bytes(io.writeBytes)}`],
    ['log bytes', bytes(log.bytes)],
  ];
}
