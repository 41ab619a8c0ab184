import type { Pod } from '@podherd/client';
import type { Command } from 'commander';
import { does, type Invocation } from '../invocation.js';
import { versions } from '../own-version.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  client?: boolean;
}

export function versionCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'version',
    summary: 'versions of podctl, and of the server if one is named',
    examples: [
      ['podctl version', 'podctl, its client, and the server'],
      ['podctl version --client', 'podctl alone'],
    ],
  }).option('--client', 'do not ask the server');
  finish(
    does<Options>(command, 'plain', async (invocation) => {
      const { output, globals, options } = invocation;
      const named = globals.runtimeDir !== undefined || globals.socket !== undefined;
      const own = await versions();
      const server = named && options.client !== true ? await serverVersions(invocation) : null;
      if (output.json) {
        output.printJson({ ...own, server });
        return;
      }
      output.print(`podctl   ${own.podctl}`);
      output.print(`client   ${own.client}`);
      output.print(`node     ${own.node}`);
      if (server === null) return;
      output.print(`server   ${server.version} (pid ${server.processId}, ${server.interface} interface)`);
      if (server.runtimePath !== null)
        output.print(
          `runtime  ${[server.runtimeName, server.runtimeVersion, server.runtimePath].filter((text) => text !== '').join(' ')}`,
        );
    }),
  );
}

async function serverVersions<O>(invocation: Invocation<O>) {
  const pod: Pod = await invocation.connect();
  const { version, processId, commit, buildDate } = await pod.version(invocation.call);
  const base = { version, processId, commit, buildDate, interface: pod.interface };
  if (pod.interface === 'conmon') {
    return {
      ...base,
      runtimePath: null,
      runtimeName: null,
      runtimeVersion: null,
      schemaVersion: null,
      features: [],
    };
  }
  const { runtimePath, runtimeName, runtimeVersion, schemaVersion, features } = await pod.serverInfo(
    invocation.call,
  );
  return { ...base, runtimePath, runtimeName, runtimeVersion, schemaVersion, features };
}
