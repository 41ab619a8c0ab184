import { type ExitState } from '@podherd/client';
import { codeOfEnd } from './exit-codes.js';
import { parseSignal } from './parse/signal.js';

/** What podctl ends with for a process that ended so. */
export function exitCodeOf(exit: ExitState): number {
  return codeOfEnd(exit, parseSignal);
}
