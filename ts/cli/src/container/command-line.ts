import { UsageFailure } from '../failure.js';

/**
 * The words of a command, from what stands behind the operand before it: with or without `--`.
 *
 * @param usage how it should have been written
 * @throws UsageFailure when there is none, or an option stands where the command should
 */
export function commandWords(rest: readonly string[], usage: string): string[] {
  const [first, ...others] = rest;
  if (first === '--') return commandWords(others, usage);
  if (first === undefined) throw new UsageFailure('which command?', usage);
  if (first.startsWith('-') && rest.includes('--')) {
    throw new UsageFailure(`${first} stands behind the operand that it should stand before`, usage);
  }
  return [first, ...others];
}

/** @throws UsageFailure when keys shall be passed on raw, and there is no terminal that they come from */
export function requireTerminal(terminal: boolean, interactive: boolean): void {
  if (!terminal || !interactive || process.stdin.isTTY) return;
  throw new UsageFailure('the input is no terminal', 'leave out -t, or run podctl in a terminal');
}
