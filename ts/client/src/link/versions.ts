import { PodherdError } from '../errors.js';
import type { ServerInfo } from '../generated/podherd.js';

/** The schema version that has everything of this client; `ServerInfo.schemaVersion` says a server's. */
export const SCHEMA_VERSION = 2;

/** Since which schema version servers have a method; those that are not listed are as old as the interface. */
const SINCE: Readonly<Record<string, number>> = {
  create: 2,
  stop: 2,
  exec: 2,
  attach: 2,
  watchEvents: 2,
  stats: 2,
  validateBundle: 2,
  shutdown: 2,
};

/** Whether a server has a method; one of conmon-rs (null) has none of ours. */
export function hasMethod(info: ServerInfo | null, methodName: string): boolean {
  return info !== null && info.schemaVersion >= (SINCE[methodName] ?? 1);
}

/** @throws PodherdError `UNIMPLEMENTED` where a server, by what it said of itself, does not have a method */
export function checkMethod(info: ServerInfo | null, methodName: string): void {
  if (!hasMethod(info, methodName)) throw needsNewer(info, methodName, SINCE[methodName] ?? 1);
}

/** The error for what a server is too old for. */
export function needsNewer(
  info: ServerInfo | null,
  what: string,
  since: number = SCHEMA_VERSION,
): PodherdError {
  const server =
    info === null
      ? "this server speaks conmon-rs's protocol only"
      : `this server (${info.version}) has schema version ${info.schemaVersion}`;
  return new PodherdError(
    'UNIMPLEMENTED',
    `${what} needs a Podherd server of schema version ${since} or newer; ${server}`,
  );
}

/** An answer "unimplemented", with what would have the method. Other errors stay what they are. */
export function withNeededVersion(
  error: PodherdError,
  methodName: string,
  info: ServerInfo | null,
): PodherdError {
  const since = SINCE[methodName];
  if (error.code !== 'UNIMPLEMENTED' || since === undefined) return error;
  if (info !== null && info.schemaVersion >= since) return error;
  const needed = needsNewer(info, methodName, since);
  return new PodherdError('UNIMPLEMENTED', needed.message, { cause: error });
}
