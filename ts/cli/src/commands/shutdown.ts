import { PodherdError } from '@podherd/client';
import type { Command } from 'commander';
import { removeAllFolders } from '../container/folder.js';
import { does } from '../invocation.js';
import { withProgress } from '../output/progress.js';
import { processEnded } from '../server/process-ended.js';
import { finish, subcommand } from '../subcommand.js';

export function shutdownCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'shutdown',
    summary: 'end a server, and all its containers with it',
    details: 'Returns when it has ended.',
    examples: [['podctl shutdown -d /run/pod', 'the server in this runtime directory']],
  });
  finish(
    does(command, 'plain', async (invocation) => {
      const { output, signal } = invocation;
      const pod = await invocation.connect();
      const { processId } = await pod.version(invocation.call);
      const end = async (): Promise<void> => {
        // It may be gone before its answer: what counts is that it is.
        await pod.shutdown(invocation.call).catch((error: unknown) => {
          if (!(error instanceof PodherdError && error.disconnected)) throw error;
        });
        await pod.closed();
        await processEnded(processId, signal);
      };
      await withProgress(output, 'ending the server and its containers', end());
      await removeAllFolders(pod.socketPath);
      if (output.json) output.printJson({ pid: processId, ended: true });
    }),
  );
}
