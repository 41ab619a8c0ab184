import { PodherdError } from '@podherd/client';
import { CommanderError } from 'commander';
import { FAILURE, NOT_EXECUTABLE, NOT_FOUND, OWN_FAILURE, USAGE } from './exit-codes.js';
import { hintFor } from './hints.js';

/** Something that podctl itself finds wrong. Shown as `podctl: CODE: message`. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
  readonly code: string;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** In place of the usual exit code of a failure. */
  readonly exitCode: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}

/** The command line makes no sense. */
export class UsageFailure extends Failure {
  override readonly name = 'UsageFailure';

  constructor(message: string, hint?: string) {
    super('USAGE', message, hint === undefined ? {} : { hint });
  }
}

/** How an error is told, and what podctl ends with because of it. */
export interface Told {
  /** One line, and one more where there is something to do about it. */
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/**
 * Whether a command ends with the code of another process: then its own failures need codes of their own.
 */
export type CommandKind = 'plain' | 'passing';

/** Tell an error. Anything may be thrown. */
export function tell(error: unknown, kind: CommandKind): Told {
  const { code, message, hint } = describe(error);
  const first = `podctl: ${code}: ${oneLine(message)}`;
  return {
    lines: hint === undefined ? [first] : [first, `hint: ${hint}`],
    exitCode: exitCodeFor(error, code, kind),
  };
}

function describe(error: unknown): { code: string; message: string; hint: string | undefined } {
  if (error instanceof Failure) return error;
  if (error instanceof PodherdError) {
    const unknown = error.outcomeUnknown ? ' (it may have been done all the same)' : '';
    return { code: error.code, message: `${error.message}${unknown}`, hint: hintFor(error.code) };
  }
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
    return { code, message: error.message, hint: undefined };
  }
  return { code: 'INTERNAL', message: String(error), hint: undefined };
}

function exitCodeFor(error: unknown, code: string, kind: CommandKind): number {
  if (error instanceof Failure && error.exitCode !== undefined) return error.exitCode;
  if (kind === 'passing') {
    if (code === 'COMMAND_NOT_FOUND') return NOT_FOUND;
    return code === 'COMMAND_NOT_EXECUTABLE' ? NOT_EXECUTABLE : OWN_FAILURE;
  }
  return error instanceof UsageFailure || error instanceof CommanderError ? USAGE : FAILURE;
}

/** Errors of runtimes may have several lines; scripts read one. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}
