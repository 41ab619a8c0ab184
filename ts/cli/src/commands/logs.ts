import type { LogRecord } from '@podherd/client';
import { type Command, Option } from 'commander';
import { does } from '../invocation.js';
import { rfc3339, toJson } from '../output/json.js';
import type { Output } from '../output/output.js';
import { parseMoment } from '../parse/moment.js';
import { wholeNumber } from '../parse/number.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  follow?: boolean;
  since?: Date;
  until?: Date;
  tail?: number;
  timestamps?: boolean;
  stream?: 'stdout' | 'stderr';
}

export function logsCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'logs <id>',
    summary: "a container's log",
    details:
      'What it wrote to standard error goes to standard error. Rotated files are read too. With --json an object a ' +
      'line: timestamp, stream, partial (no end of line yet), and text, or data in base64 where it is no text.',
    examples: [
      ['podctl logs web', 'all of it'],
      ['podctl logs -f --tail 10 web', 'the last lines, and what comes, until it ends'],
      ['podctl logs --since 10m --timestamps web', 'of the last ten minutes'],
    ],
  })
    .option('-f, --follow', 'go on with what comes, until the container has ended')
    .option('--since <moment>', 'from then on: 10m (ago), 2026-01-31T12:00:00Z', (text) => parseMoment(text))
    .option('--until <moment>', 'up to then', (text) => parseMoment(text))
    .option('-n, --tail <lines>', 'so many of the last lines', wholeNumber('--tail'))
    .option('-t, --timestamps', 'with the time of each line')
    .addOption(new Option('--stream <stream>', 'of one stream').choices(['stdout', 'stderr']));
  finish(
    does<Options>(command, 'plain', async (invocation, id = '') => {
      const { options, output, signal } = invocation;
      const { follow, since, until, tail, stream } = options;
      const pod = await invocation.connect();
      const container = await pod.get(id, invocation.call);
      const show = output.json ? jsonRecord : textRecord(options.timestamps ?? false);
      for await (const record of container.logs({ signal, follow, since, until, tail, stream })) {
        await show(output, record);
      }
    }),
  );
}

/** Decodes UTF-8, or fails: with what stands for bytes that are none, those would be lost. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

function jsonRecord(output: Output, { timestamp, stream, partial, data }: LogRecord): Promise<void> {
  let content: { text: string } | { data: Uint8Array };
  try {
    content = { text: utf8.decode(data) };
  } catch {
    content = { data };
  }
  return output.write('stdout', `${toJson({ timestamp, stream, partial, ...content })}\n`);
}

function textRecord(timestamps: boolean): (output: Output, record: LogRecord) => Promise<void> {
  // A line that came in several parts has its time before the first.
  const within = { stdout: false, stderr: false };
  return async (output, { timestamp, stream, partial, data }) => {
    const prefix = timestamps && !within[stream] ? `${output.paint('dim', rfc3339(timestamp))} ` : '';
    within[stream] = partial;
    await output.write(stream, prefix === '' ? data : Buffer.concat([Buffer.from(prefix), data]));
  };
}
