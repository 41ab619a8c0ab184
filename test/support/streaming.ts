import type { Connection } from './connection.js';
import { answered } from './connection.js';
import type { TestContainer } from './container.js';
import type { Ground } from './ground.js';
import type { TestServer } from './server.js';

/** A server that stops listening soon after its last token, so that the account of leftovers need not wait. */
export function streamingServer(
  ground: Ground,
  options: { tokenSeconds?: number; flags?: readonly string[] } = {},
): Promise<TestServer> {
  const { tokenSeconds = 2, flags = [] } = options;
  return ground.server({ flags: [`--streaming-token-timeout=${tokenSeconds}`, ...flags] });
}

/** What a test asks of serveExecContainer; all three streams if it doesn't say. */
export interface ServeExecOptions {
  tty?: boolean;
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
}

/** A URL that runs a command. */
export async function execUrl(
  connection: Connection,
  container: TestContainer | string,
  command: readonly string[],
  options: ServeExecOptions = {},
): Promise<string> {
  const { tty = false, stdin = true, stdout = true, stderr = true } = options;
  const { response } = await connection.conmon.serveExecContainer({
    request: {
      id: typeof container === 'string' ? container : container.id,
      command: [...command],
      tty,
      stdin,
      stdout,
      stderr,
      cgroupManager: 'cgroupfs',
    },
  });
  return answered(response).url;
}

/** A URL that carries a container's streams. */
export async function attachUrl(
  connection: Connection,
  id: string,
  options: Omit<ServeExecOptions, 'tty'> = {},
): Promise<string> {
  const { stdin = true, stdout = true, stderr = true } = options;
  const { response } = await connection.conmon.serveAttachContainer({
    request: { id, stdin, stdout, stderr },
  });
  return answered(response).url;
}

/** A URL that forwards ports into a network namespace. */
export async function portForwardUrl(connection: Connection, netNsPath: string): Promise<string> {
  const { response } = await connection.conmon.servePortForwardContainer({ request: { netNsPath } });
  return answered(response).url;
}
