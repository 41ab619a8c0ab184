import type { Command } from 'commander';
import { folderOf, removeFolder } from '../container/folder.js';
import { forEachId } from '../each.js';
import { does } from '../invocation.js';
import { finish, subcommand } from '../subcommand.js';

interface Options {
  force?: boolean;
}

export function rmCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'rm <id...>',
    summary: 'remove containers that have ended',
    details: 'What podctl itself made for them, a bundle and a log without --log, is removed with them.',
    examples: [
      ['podctl rm web', 'forget it; its id is free then'],
      ['podctl rm --force web', 'kill it first'],
    ],
  }).option('-f, --force', 'kill those that live first');
  finish(
    does<Options>(command, 'plain', async (invocation, ...ids) => {
      const { force } = invocation.options;
      const pod = await invocation.connect();
      return forEachId(invocation, ids, async (id) => {
        const container = await pod.get(id, invocation.call);
        const folder = folderOf(pod.socketPath, await container.status(invocation.call));
        await container.delete({ ...invocation.call, force });
        if (folder !== null) await removeFolder(folder);
        return { removed: true };
      });
    }),
  );
}
