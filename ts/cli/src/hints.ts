import type { ErrorCode } from '@podherd/client';

/**
 * What somebody at a shell can do about an error. Codes of which the message says it already have none;
 * docs/errors.md has all.
 */
const HINTS: Partial<Record<ErrorCode, string>> = {
  CONNECTION_FAILED: 'is a server running there? `podctl start --runtime-dir DIR` starts one',
  CONNECTION_CLOSED: 'the server has gone; `podctl doctor` finds what it left',
  SERVER_START_FAILED: 'name the binary with --server, in PODHERD_SERVER, or put it into PATH',
  SERVER_RUNNING: 'use it as it is, or end it with `podctl shutdown`',
  SERVER_STOP_FAILED: '`podctl doctor` finds what it left',
  CONTAINER_NOT_FOUND: '`podctl ps` lists the containers of this server',
  CONTAINER_NOT_RUNNING: '`podctl inspect ID` says how it ended',
  CONTAINER_NOT_CREATED: 'a container is started once; make a new one with `podctl run`',
  CONTAINER_ALIVE: '`podctl stop ID` first, or `podctl rm --force ID`',
  ID_IN_USE: 'choose another --name, or `podctl rm ID` first',
  BUNDLE_INVALID: '`podctl validate BUNDLE` says what is wrong with it',
  COMMAND_NOT_FOUND: 'the command is looked up in the container, not on this machine',
  LOG_UNAVAILABLE: 'can the server write there? Choose another place with --log',
  RUNTIME_UNAVAILABLE: 'name an OCI runtime that is installed: --runtime runc, --runtime crun',
  TIMEOUT: 'give it longer with --timeout',
  UNIMPLEMENTED: 'the server is older than podctl, or of conmon-rs; see `podctl version`',
};

/** What to do about an error of this code. */
export function hintFor(code: ErrorCode): string | undefined {
  return HINTS[code];
}
