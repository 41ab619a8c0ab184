import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pod } from '@podherd/client';
import type { Invocation } from '../invocation.js';
import { withProgress } from '../output/progress.js';
import type { ServerOptions } from './options.js';
import { findRuntime } from './runtime.js';

/**
 * A server for this command alone, in a directory of its own. Both are gone at the command's end. Should podctl be
 * killed, the server ends by itself, and its containers with it.
 */
export async function ownPod<O extends ServerOptions>(invocation: Invocation<O>): Promise<Pod> {
  const { options, output } = invocation;
  const runtime = await findRuntime(options.runtime);
  const directory = await mkdtemp(join(tmpdir(), 'podctl-run-'));
  invocation.onEnd(() => rm(directory, { recursive: true, force: true }));
  const start = Pod.start({
    ...invocation.call,
    runtime,
    runtimeDir: join(directory, 'run'),
    runtimeRoot: options.runtimeRoot ?? join(directory, 'root'),
    serverPath: options.server,
    serverArgs: options.serverArg,
  });
  const pod = await withProgress(output, 'starting a server', start);
  invocation.onEnd(() => pod.close());
  return pod;
}
