import { Pod, type StartOptions } from '@podherd/client';
import type { Command } from 'commander';
import { removeAllFolders } from '../container/folder.js';
import { forEachId } from '../each.js';
import { UsageFailure } from '../failure.js';
import { RUNTIME_DIR_VARIABLE } from '../globals.js';
import { does, type Invocation } from '../invocation.js';
import { withProgress } from '../output/progress.js';
import { type ServerOptions, serverOptions } from '../server/options.js';
import { findRuntime } from '../server/runtime.js';
import { finish, subcommand } from '../subcommand.js';

interface Options extends ServerOptions {
  detach: boolean;
}

export function startCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'start [id...]',
    summary: 'start a server; with ids: start containers that were created',
    details:
      'The server goes on in the background until `podctl shutdown`. With --no-detach it ends with podctl, by Ctrl-C ' +
      'or SIGTERM, and its containers with it.',
    examples: [
      ['podctl start -d /run/pod', 'a server in this runtime directory'],
      ['podctl start -d /run/pod --runtime crun', 'with another runtime'],
      ['podctl start -d /run/pod web', 'the container that `podctl create` made there'],
    ],
  });
  serverOptions(command, 'Of a server:').option('--no-detach', 'stay, and end the server with podctl');
  finish(
    does<Options>(command, 'plain', (invocation, ...ids) =>
      ids.length > 0 ? startContainers(invocation, ids) : startServer(invocation),
    ),
  );
}

async function startContainers(invocation: Invocation<Options>, ids: readonly string[]): Promise<number> {
  const pod = await invocation.connect();
  return forEachId(invocation, ids, async (id) => {
    const container = await pod.get(id, invocation.call);
    await container.start(invocation.call);
    return { pid: (await container.status(invocation.call)).pid };
  });
}

async function startServer(invocation: Invocation<Options>): Promise<void> {
  const { options, globals, output } = invocation;
  const { runtimeDir } = globals;
  if (runtimeDir === undefined) {
    throw new UsageFailure('where shall the server work?', `--runtime-dir DIR, or ${RUNTIME_DIR_VARIABLE}`);
  }
  const start: StartOptions = {
    ...invocation.call,
    runtime: await findRuntime(options.runtime),
    runtimeDir,
    runtimeRoot: options.runtimeRoot,
    serverPath: options.server,
    serverArgs: options.serverArg,
    lifetime: options.detach ? 'detached' : 'client',
  };
  const pod = await withProgress(output, 'starting the server', Pod.start(start));
  invocation.onEnd(() => pod.close());
  // Of an earlier server's containers, which have ended with it.
  await removeAllFolders(pod.socketPath);
  const { version, processId, runtimePath, instance } = await pod.serverInfo(invocation.call);
  if (output.json) {
    output.printJson({
      pid: processId,
      version,
      instance,
      socketPath: pod.socketPath,
      runtimeDir,
      runtimePath,
    });
  } else {
    output.print(`podherd ${version} (pid ${processId}) listens on ${pod.socketPath}`);
  }
  if (!options.detach) await untilInterrupted(invocation, pod);
}

/** Stay until podctl has to end, or the server has. */
async function untilInterrupted(invocation: Invocation<Options>, pod: Pod): Promise<void> {
  const { signal } = invocation;
  const interrupted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  const error = await Promise.race([pod.closed(), interrupted]);
  if (error !== undefined) throw error;
}
