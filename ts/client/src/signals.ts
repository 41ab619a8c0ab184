import { constants } from 'node:os';
import { PodherdError } from './errors.js';

const NUMBERS = constants.signals as Readonly<Record<string, number>>;
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name as NodeJS.Signals]));
// Two names of one number: keep the ones of signal(7)'s first column.
for (const name of ['SIGABRT', 'SIGIO', 'SIGCHLD', 'SIGSYS'] as const)
  NAMES.set(constants.signals[name], name);

/** Largest signal number of Linux (SIGRTMAX). */
const MAX_SIGNAL = 64;

/**
 * The number of a signal that is given by name ("SIGTERM") or number.
 *
 * @throws PodherdError `INVALID_ARGUMENT` for one that Linux does not have
 */
export function signalNumber(signal: NodeJS.Signals | number): number {
  if (typeof signal === 'number') {
    if (Number.isInteger(signal) && signal >= 1 && signal <= MAX_SIGNAL) return signal;
    throw new PodherdError('INVALID_ARGUMENT', `a signal's number is 1 to ${MAX_SIGNAL}, found ${signal}`);
  }
  const number = Object.hasOwn(NUMBERS, signal) ? NUMBERS[signal] : undefined;
  if (number === undefined) {
    throw new PodherdError(
      'INVALID_ARGUMENT',
      `unknown signal ${JSON.stringify(signal)}; names look like "SIGTERM"`,
    );
  }
  return number;
}

/** A signal's name; real-time signals, which have none in Node, by number: "SIG34". */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `SIG${number}`;
}
