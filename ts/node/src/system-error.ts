import { getSystemErrorMap } from 'node:util';

/**
 * The error of a system call, with the members that those of Node's own modules have.
 *
 * @param errno negative, as libuv gives it
 */
export function systemError(errno: number, syscall: string, path?: string): NodeJS.ErrnoException {
  const [code, description] = getSystemErrorMap().get(errno) ?? [`Unknown system error ${errno}`, ''];
  const error: NodeJS.ErrnoException = new Error(
    `${syscall} ${code}: ${description}${path === undefined ? '' : `: ${path}`}`,
  );
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}
