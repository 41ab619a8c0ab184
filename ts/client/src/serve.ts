import type { CgroupManager } from './create-options.js';
import { PodherdError } from './errors.js';
import type { ConmonClient } from './generated/conmon.js';
import { callerOptions } from './rpc/caller.js';
import type { CallOptions } from './rpc/deadline.js';

/** Which streams a URL carries. */
export interface ServeAttachOptions extends CallOptions {
  /** Default false. */
  stdin?: boolean | undefined;
  /** Default true. */
  stdout?: boolean | undefined;
  /** Default true, and false for a command with a terminal, which has no such stream. */
  stderr?: boolean | undefined;
}

/** How a command behind a URL is run. */
export interface ServeExecOptions extends ServeAttachOptions {
  /** Give the command a pseudo-terminal. */
  terminal?: boolean | undefined;
  /** As the container was created with. Default `cgroupfs`. */
  cgroupManager?: CgroupManager | undefined;
}

/** See `Container.serveExec`. */
export async function serveExec(
  client: ConmonClient,
  id: string,
  command: readonly string[],
  options: ServeExecOptions,
): Promise<string> {
  const { terminal = false, stdin = false, stdout = true, stderr = !terminal } = options;
  const cgroupManager = options.cgroupManager ?? 'cgroupfs';
  const request = { id, command, tty: terminal, stdin, stdout, stderr, cgroupManager };
  const { response } = await client.serveExecContainer(
    { request },
    callerOptions(`URL for an exec in ${id}`, options),
  );
  return url(response);
}

/** See `Container.serveAttach`. */
export async function serveAttach(
  client: ConmonClient,
  id: string,
  options: ServeAttachOptions,
): Promise<string> {
  const { stdin = false, stdout = true, stderr = true } = options;
  const { response } = await client.serveAttachContainer(
    { request: { id, stdin, stdout, stderr } },
    callerOptions(`URL for ${id}`, options),
  );
  return url(response);
}

/** See `Pod.servePortForward`. */
export async function servePortForward(
  client: ConmonClient,
  netNsPath: string,
  options: CallOptions,
): Promise<string> {
  const { response } = await client.servePortForwardContainer(
    { request: { netNsPath } },
    callerOptions(`URL for ports in ${netNsPath}`, options),
  );
  return url(response);
}

function url(response: { readonly url: string } | undefined): string {
  if (response === undefined || response.url === '')
    throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a URL');
  return response.url;
}
