import type { ExitState } from '@podherd/client';

/** All went well; of `doctor` and `validate`: nothing was found. */
export const SUCCESS = 0;
/** It was tried and failed; of `doctor` and `validate`: something was found. */
export const FAILURE = 1;
/** The command line makes no sense. */
export const USAGE = 2;
/** `wait` ran out of its time, as with timeout(1). */
export const OUT_OF_TIME = 124;
/**
 * Of the commands that end with another process's code (`run`, `exec`, `attach`, `wait`): podctl or the server
 * failed, not that process. As with docker and podman.
 */
export const OWN_FAILURE = 125;
/** Of the same: the command is there and can't be executed. As in POSIX shells. */
export const NOT_EXECUTABLE = 126;
/** Of the same: there is no such command. */
export const NOT_FOUND = 127;
/** A process that signal n ended has 128 + n, as in POSIX shells. */
export const SIGNAL_BASE = 128;

/**
 * The code that a process's end is passed on as.
 *
 * @param signalNumber gives the number of a signal's name
 */
export function codeOfEnd(exit: ExitState, signalNumber: (name: string) => number): number {
  if (!exit.known) return OWN_FAILURE;
  if (exit.signal !== null) return SIGNAL_BASE + signalNumber(exit.signal);
  return exit.exitCode ?? OWN_FAILURE;
}
