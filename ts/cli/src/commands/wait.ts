import { type ExitState, type Pod, PodherdError } from '@podherd/client';
import type { Command } from 'commander';
import { OUT_OF_TIME, SUCCESS } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { does, type Invocation } from '../invocation.js';
import { exitCodeOf } from '../passed-code.js';
import { finish, subcommand } from '../subcommand.js';

export function waitCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'wait <id...>',
    summary: 'wait until containers have ended, and tell how',
    details:
      'Prints the exit code (of several: the id, too) and ends with it; of several with the first that is not 0. ' +
      '128+n: ended by signal n. With --timeout it gives up after that time and ends with 124.',
    examples: [
      ['podctl wait web', 'its exit code'],
      ['podctl wait --json web', 'all that is known of its end'],
      ['podctl wait --timeout 30s web', 'not longer than that'],
    ],
  });
  const work = async (invocation: Invocation, ...ids: string[]): Promise<number> => {
    const { output } = invocation;
    const pod = await invocation.connect();
    const ends = await Promise.all(ids.map((id) => endOf(invocation, pod, id)));
    if (output.json) output.printJson(ends.map(({ id, exit, code }) => ({ id, code, ...exit })));
    for (const { id, exit, code } of output.json ? [] : ends) {
      const shown = exit.known ? String(code) : 'unknown';
      output.print(ids.length > 1 ? `${id} ${shown}` : shown);
    }
    return ends.find(({ code }) => code !== SUCCESS)?.code ?? SUCCESS;
  };
  finish(does(command, 'passing', work));
}

async function endOf(
  invocation: Invocation,
  pod: Pod,
  id: string,
): Promise<{ id: string; exit: ExitState; code: number }> {
  const container = await pod.get(id, invocation.call);
  try {
    const exit = await container.wait(invocation.call);
    return { id, exit, code: exitCodeOf(exit) };
  } catch (error) {
    if (!(error instanceof PodherdError) || error.code !== 'TIMEOUT') throw error;
    throw new Failure('TIMEOUT', error.message, { exitCode: OUT_OF_TIME, cause: error });
  }
}
