import { constants } from 'node:os';
import { UsageFailure } from '../failure.js';

const NUMBERS = constants.signals as Readonly<Record<string, number>>;
/** SIGRTMAX of Linux. */
const MAX_SIGNAL = 64;

/**
 * A signal's number: from "SIGTERM", "term", "15", or "SIG34" as podctl shows real-time signals.
 *
 * @throws UsageFailure for one that Linux does not have
 */
export function parseSignal(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : Number(/^SIG(\d{1,2})$/.exec(name)?.[1]);
  if (number !== undefined && Number.isInteger(number) && number >= 1 && number <= MAX_SIGNAL) return number;
  throw new UsageFailure(
    `there is no signal ${JSON.stringify(text)}`,
    'give a name or a number: TERM, SIGKILL, 9',
  );
}
