import { type ContainerState, type ContainerStatus } from '@podherd/client';
import { type Command, Option } from 'commander';
import { does } from '../invocation.js';
import type { Output } from '../output/output.js';
import type { Column } from '../output/table.js';
import { printable } from '../output/text.js';
import { age } from '../output/units.js';
import { collect, parseLabelSelector } from '../parse/pairs.js';
import { labelsText, outcome } from '../status-text.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  all?: boolean;
  quiet?: boolean;
  state?: ContainerState[];
  label?: (readonly [string, string | true])[];
}

export function psCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'ps',
    summary: 'list the containers of a server',
    details: 'Those that have ended are listed too, with how they ended, until they are removed.',
    examples: [
      ['podctl ps', 'all containers'],
      ['podctl ps --state running --label app=web', 'those that run and have this label'],
      ['podctl rm $(podctl ps -q --state exited)', 'remove those that have ended'],
    ],
  })
    .option('-q, --quiet', 'print ids only')
    .addOption(
      new Option('--state <state...>', 'only those in this state').choices([
        'creating',
        'created',
        'running',
        'exited',
      ]),
    )
    .option(
      '-l, --label <key[=value]>',
      'only those with this label; may be repeated',
      collect(parseLabelSelector),
    )
    .option('-a, --all', 'all states, which is what is listed anyway');
  finish(
    does<Options>(command, 'plain', async (invocation) => {
      const { options, output } = invocation;
      const pod = await invocation.connect();
      const containers = await pod.list({
        ...invocation.call,
        states: options.state,
        labels: options.label === undefined ? undefined : Object.fromEntries(options.label),
      });
      if (options.quiet === true) {
        for (const { id } of containers) output.print(id);
      } else if (output.json) {
        output.printJson(containers);
      } else {
        output.printTable(columns(output), containers);
      }
    }),
  );
}

function columns({ paint }: Output): Column<ContainerStatus>[] {
  return [
    { title: 'ID', value: ({ id }) => printable(id), cuttable: true },
    {
      title: 'STATE',
      value: ({ state }) => state,
      paint: (cell, { state, exit }) => {
        if (state === 'running') return paint('green', cell);
        return state === 'exited' ? paint(exit?.exitCode === 0 ? 'dim' : 'red', cell) : cell;
      },
    },
    { title: 'PID', value: ({ pid }) => String(pid ?? '-'), align: 'right' },
    { title: 'CREATED', value: ({ createdAt }) => age(createdAt?.date), align: 'right' },
    { title: 'ENDED', value: ({ exit }) => age(exit?.exitedAt?.date), align: 'right' },
    { title: 'OUTCOME', value: outcome, cuttable: true },
    { title: 'LABELS', value: labelsText, cuttable: true },
  ];
}
