import { type EventPosition, formatPosition, parsePosition, type PodEvent } from '@podherd/client';
import type { Command } from 'commander';
import { type EventFilter, parseFilters, passes } from '../events/filter.js';
import { eventText } from '../events/text.js';
import { UsageFailure } from '../failure.js';
import { does } from '../invocation.js';
import { rfc3339, toJson } from '../output/json.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/text.js';
import { wholeNumber } from '../parse/number.js';
import { asIs, collect } from '../parse/pairs.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  from: 'now' | 'oldest' | EventPosition;
  filter?: string[];
  count?: number;
  follow: boolean;
}

export function eventsCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'events',
    summary: 'what happens to the containers of a server, as it happens',
    details:
      'With --json an object a line; its `next` is the position to go on from after it, for --from. What a server ' +
      'does not keep any more is told as an event of type gap.',
    examples: [
      ['podctl events', 'from now on'],
      ['podctl events --from oldest --no-follow', 'what is kept, and no more'],
      ['podctl events --filter type=exited --count 1', 'up to the next end of a container'],
      ['podctl events --json --from "$(cat next)"', 'from where a script has stopped'],
    ],
  })
    .option('--from <position>', 'now, oldest, or a position INSTANCE:SEQUENCE', parseFrom, 'now')
    .option('--filter <key=value>', 'type=… or container=…; may be repeated', collect(asIs))
    .option('-n, --count <number>', 'end after so many', wholeNumber('--count', 1))
    .option('--no-follow', 'end with what has happened by now');
  finish(
    does<Options>(command, 'plain', async (invocation) => {
      const { options, output, signal } = invocation;
      const filter: EventFilter = parseFilters(options.filter ?? []);
      const pod = await invocation.connect();
      const end = options.follow ? null : (await pod.snapshot(invocation.call)).position;
      if (end !== null && isAt(options.from, end)) return;
      await using stream = pod.events({ from: options.from, signal });
      await stream.ready();
      let shown = 0;
      for await (const event of stream) {
        if (end !== null && event.type !== 'gap' && event.sequence >= end.sequence) return;
        if (passes(filter, event)) {
          await show(output, event, stream.position);
          shown += 1;
        }
        if (shown === options.count || (end !== null && isAt(stream.position, end))) return;
      }
    }),
  );
}

/** Whether nothing is left between two positions. */
function isAt(from: 'now' | 'oldest' | EventPosition, end: EventPosition): boolean {
  if (from === 'now') return true;
  if (from === 'oldest') return end.sequence <= 1n;
  return from.instance === end.instance && from.sequence >= end.sequence;
}

function show(output: Output, event: PodEvent, next: EventPosition): Promise<void> {
  if (output.json) return output.write('stdout', `${toJson({ ...event, next: formatPosition(next) })}\n`);
  const time = event.type === 'gap' ? '-'.padEnd(30) : rfc3339(event.at);
  const id = event.type === 'gap' ? '-' : printable(event.containerId);
  const text = `${output.paint('dim', time)}  ${event.type.padEnd(11)}  ${id}  ${eventText(event)}`;
  return output.write('stdout', `${text.trimEnd()}\n`);
}

function parseFrom(text: string): 'now' | 'oldest' | EventPosition {
  if (text === 'now' || text === 'oldest') return text;
  try {
    return parsePosition(text);
  } catch {
    throw new UsageFailure(
      `${JSON.stringify(text)} is no position of events`,
      'now, oldest, or the `next` of an event that --json printed',
    );
  }
}
