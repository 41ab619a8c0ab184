/** Codes that the server answers with, as the first word of an exception's reason. */
export const SERVER_ERROR_CODES = [
  'INVALID_ARGUMENT',
  'INVALID_ID',
  'ID_IN_USE',
  'CONTAINER_NOT_FOUND',
  'CONTAINER_NOT_RUNNING',
  'CONTAINER_NOT_CREATED',
  'CONTAINER_ALIVE',
  'NO_TERMINAL',
  'FD_SLOT_UNKNOWN',
  'EXEC_SESSION_NOT_FOUND',
  'EXEC_ENDED',
  'STDIN_CLOSED',
  'SINK_FAILED',
  'ATTACH_SOCKET_UNUSABLE',
  'ATTACH_CLIENT_BEHIND',
  'BUNDLE_INVALID',
  'PREFLIGHT_FAILED',
  'PREFLIGHT_INCOMPLETE',
  'RUNTIME_UNAVAILABLE',
  'RUNTIME_FAILED',
  'RUNTIME_KILLED',
  'RUNTIME_TIMEOUT',
  'COMMAND_NOT_FOUND',
  'COMMAND_NOT_EXECUTABLE',
  'CONSOLE_FAILED',
  'PID_FILE_INVALID',
  'LOG_UNAVAILABLE',
  'NAMESPACES_DIFFER',
  'NAMESPACES_IN_USE',
  'NAMESPACES_FAILED',
  'RUNTIME_DIR_UNUSABLE',
  'RESOURCES_EXHAUSTED',
  'SERVER_RUNNING',
  'SHUTTING_DOWN',
  'BAD_MESSAGE',
  'OVERLOADED',
  'UNIMPLEMENTED',
  'CANCELLED',
  'INTERNAL',
] as const;

/** Codes that only the client makes. */
export const CLIENT_ERROR_CODES = [
  'ABORTED',
  'ADDON_UNAVAILABLE',
  'TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_FAILED',
  'PROTOCOL_ERROR',
  'SERVER_START_FAILED',
  'SERVER_STOP_FAILED',
  'SERVER_ERROR',
  'EXIT_UNKNOWN',
] as const;

/** A code that servers answer with. */
export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];
/** A code that only the client makes. */
export type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number];
/** Every code that a PodherdError can carry. */
export type ErrorCode = ServerErrorCode | ClientErrorCode;

const serverCodes: ReadonlySet<string> = new Set(SERVER_ERROR_CODES);

/** Whether `word` is a code that servers answer with. */
export function isServerErrorCode(word: string): word is ServerErrorCode {
  return serverCodes.has(word);
}
