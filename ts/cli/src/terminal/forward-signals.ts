import { constants } from 'node:os';
import type { Interrupts } from '../interrupts.js';

/** So many of those that end podctl, and it ends although they were passed on: the container does not heed them. */
const PATIENCE = 3;
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP']);
/** Passed on as well; podctl itself has no use for them. */
const OTHERS: readonly NodeJS.Signals[] = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'];

/**
 * Pass signals on to a process in place of heeding them. The third one that would end podctl does so.
 *
 * @param send may fail: a process that has ended takes none
 * @param onImpatient said before the last one: one more ends podctl
 * @returns ends that
 */
export function forwardSignals(
  interrupts: Interrupts,
  send: (signal: number) => Promise<void>,
  onImpatient: () => void,
): () => void {
  const pass = (signal: NodeJS.Signals): void => void send(constants.signals[signal]).catch(() => {});
  let ending = 0;
  const stop = interrupts.forward((signal) => {
    if (ENDING.has(signal)) ending += 1;
    if (ending >= PATIENCE) return false;
    if (ending === PATIENCE - 1) onImpatient();
    pass(signal);
    return true;
  });
  for (const signal of OTHERS) process.on(signal, pass);
  return () => {
    stop();
    for (const signal of OTHERS) process.off(signal, pass);
  };
}
