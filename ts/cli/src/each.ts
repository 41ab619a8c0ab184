import { tell } from './failure.js';
import { FAILURE, SUCCESS } from './exit-codes.js';
import type { Invocation } from './invocation.js';

/**
 * Do something to each container, all at once. One that fails keeps none of the others from it; its failure is
 * said, and the command fails.
 *
 * @param work gives what is printed with `--json`; without it, the ids of those that it worked for are printed
 */
export async function forEachId<Options>(
  invocation: Invocation<Options>,
  ids: readonly string[],
  work: (id: string) => Promise<object>,
): Promise<number> {
  const { output, signal } = invocation;
  const results = await Promise.allSettled(
    [...new Set(ids)].map(async (id) => ({ id, done: await work(id) })),
  );
  signal.throwIfAborted();
  let code = SUCCESS;
  const done: object[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') {
      if (!output.json) output.print(result.value.id);
      done.push({ id: result.value.id, ...result.value.done });
    } else {
      for (const line of tell(result.reason, 'plain').lines) output.note(line);
      code = FAILURE;
    }
  }
  if (output.json) output.printJson(done);
  return code;
}
