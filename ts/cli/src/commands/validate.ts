import type { Finding } from '@podherd/client';
import type { Command } from 'commander';
import { does } from '../invocation.js';
import { printable } from '../output/text.js';
import type { Output } from '../output/output.js';
import { readBinary } from '../server/binary.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  tty?: boolean;
  for?: string;
  strict?: boolean;
  server?: string;
}

export function validateCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'validate <bundle>',
    summary: 'what is wrong with a bundle, as far as it can be known before it runs',
    details:
      'Needs no server: it is `podherd validate`. Exit codes: 0 no error was found (with --strict: nothing), 1 one was.',
    examples: [
      ['podctl validate /srv/bundle', 'what would fail'],
      ['podctl validate --for crun /srv/bundle', 'as this runtime judges'],
      ['podctl validate --strict --json .', 'for scripts; warnings count too'],
    ],
  })
    .option('-t, --tty', 'as for a container that is created with a terminal')
    .option('--for <runtime>', 'judge as runc, crun, youki or another would (default: as the strictest)')
    .option('--strict', 'end with 1 for warnings too')
    .option('--server <path>', "the server's binary (default: $PODHERD_SERVER, then podherd in PATH)");
  finish(
    does<Options>(command, 'plain', async (invocation, bundle = '') => {
      const { options, output } = invocation;
      const { exitCode, stdout } = await readBinary(invocation, options.server, [
        'validate',
        '--json',
        ...(options.tty === true ? ['--terminal'] : []),
        ...(options.for === undefined ? [] : [`--for=${options.for}`]),
        ...(options.strict === true ? ['--strict'] : []),
        '--',
        bundle,
      ]);
      if (output.json || stdout === '') output.stdout.write(stdout);
      else tell(output, (JSON.parse(stdout) as { findings: Finding[] }).findings);
      return exitCode;
    }),
  );
}

function tell(output: Output, findings: readonly Finding[]): void {
  for (const { severity, code, place, message } of findings) {
    const paint = severity === 'error' ? 'red' : 'yellow';
    const where = place === '' ? '' : ` ${output.paint('dim', printable(place))}`;
    output.print(`${output.paint(paint, severity)} ${output.paint('bold', printable(code))}${where}`);
    output.print(`  ${printable(message)}`);
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  output.print(
    findings.length === 0 ? 'nothing found' : `${errors} errors, ${findings.length - errors} warnings`,
  );
}
