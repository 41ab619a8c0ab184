import { type ErrorCode, isServerErrorCode, SERVER_ERROR_CODES } from './error-codes.js';
import { PodherdError } from './errors.js';

/** The kinds of exception that Cap'n Proto's RPC knows (rpc.capnp, Exception.Type). */
export type ExceptionKind = 'failed' | 'overloaded' | 'disconnected' | 'unimplemented';

const CODE_AND_MESSAGE = new RegExp(`(?:^|: )(${SERVER_ERROR_CODES.join('|')}): ([\\s\\S]*)$`);

/**
 * The code and message in a text of the form `CODE: message`, where something else may stand before it
 * (some RPC libraries put "remote exception: " there). Null when no code of the closed list is in it.
 */
export function parseCodedText(text: string): { code: ErrorCode; message: string } | null {
  const match = CODE_AND_MESSAGE.exec(text);
  const word = match?.[1];
  if (word === undefined || !isServerErrorCode(word)) return null;
  return { code: word, message: (match?.[2] ?? '').trim() };
}

/** The error for an exception that the server answered a call with. */
export function errorFromException(kind: ExceptionKind, reason: string): PodherdError {
  const coded = parseCodedText(reason);
  if (coded !== null) return new PodherdError(coded.code, coded.message);
  switch (kind) {
    case 'overloaded':
      return new PodherdError('OVERLOADED', reason);
    case 'unimplemented':
      return new PodherdError('UNIMPLEMENTED', reason);
    case 'disconnected':
      return new PodherdError('CONNECTION_CLOSED', reason, { outcomeUnknown: true });
    case 'failed':
      return new PodherdError('SERVER_ERROR', reason);
  }
}

/**
 * Turn anything that was thrown into a PodherdError. One stays what it is; anything else gets `code` and
 * becomes the cause.
 */
export function toPodherdError(thrown: unknown, code: ErrorCode = 'SERVER_ERROR'): PodherdError {
  if (thrown instanceof PodherdError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new PodherdError(code, message, { cause: thrown });
}
