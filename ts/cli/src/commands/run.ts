import type { Command } from 'commander';
import { attachAndFollow, type AttachingOptions, attachOptions } from '../container/follow.js';
import { folderOf, removeFolder } from '../container/folder.js';
import { makeContainer, readRequest } from '../container/make.js';
import { type ContainerOptions, containerOptions } from '../container/options.js';
import { UsageFailure } from '../failure.js';
import { does, type Invocation } from '../invocation.js';
import { type ServerOptions, serverOptions } from '../server/options.js';
import { ownPod } from '../server/own-pod.js';
import { finish, subcommand } from '../subcommand.js';
import type { Container, Pod } from '@podherd/client';

interface Options extends ContainerOptions, ServerOptions, AttachingOptions {
  rm?: boolean;
  detach?: boolean;
}

const USAGE = 'podctl run [options] ROOTFS -- COMMAND';

export function runCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'run [rootfs] [command...]',
    synopsis: '[options] ROOTFS -- COMMAND',
    summary: 'run a command in a new container, and end with its exit code',
    details:
      'ROOTFS is a directory with a root file system; options stand before it. Without --runtime-dir it runs on a ' +
      'server of its own, which ends with it and leaves nothing. -d is --runtime-dir, and --detach has no short form.',
    examples: [
      ['podctl run /srv/rootfs -- echo hello', 'on a server of its own'],
      ['podctl run -it --rm -d /run/pod /srv/rootfs -- sh', 'a shell, on a server that runs'],
      ['podctl run -d /run/pod --detach --name web /srv/web -- httpd -f', 'left running'],
      ['podctl run -m 64m --cpus 0.5 --read-only /srv/rootfs -- work', 'with limits'],
    ],
  })
    .passThroughOptions()
    .option('--rm', 'remove it when it has ended')
    .option('--detach', 'leave it running, and print its id');
  attachOptions(containerOptions(command.optionsGroup('Options:')).optionsGroup('How podctl follows it:'));
  serverOptions(command, 'Of a server of its own:');
  finish(does<Options>(command, 'passing', run));
}

async function run(invocation: Invocation<Options>, ...operands: string[]): Promise<number | void> {
  const { options, globals, output } = invocation;
  const request = await readRequest(options, operands, USAGE);
  const named = globals.runtimeDir !== undefined || globals.socket !== undefined;
  if (options.detach === true && !named) {
    throw new UsageFailure(
      'who shall watch it? A server of its own ends with podctl',
      'start one that stays: `podctl start -d DIR`, then `podctl run -d DIR --detach …`',
    );
  }
  const pod = named ? await invocation.connect() : await ownPod(invocation);
  const container = await makeContainer(invocation, pod, request);
  if (options.rm === true && options.detach !== true) invocation.onEnd(() => remove(pod, container));
  if (options.detach === true) {
    await container.start(invocation.call);
    if (output.json) output.printJson(await container.status(invocation.call));
    else output.print(container.id);
    return;
  }
  const { terminal, stdin } = request;
  return attachAndFollow(invocation, container, {
    terminal,
    stdin,
    // The server would end with podctl, and a container that is removed with it can't go on.
    mayDetach: named && options.rm !== true,
    whenAttached: async () => {
      const { isTTY, columns, rows } = process.stdout;
      if (terminal && isTTY) await container.resize(columns, rows);
      await container.start(invocation.call);
    },
  });
}

/** Also when podctl is interrupted: its own calls have another end than the command's. */
async function remove(pod: Pod, container: Container): Promise<void> {
  const folder = folderOf(pod.socketPath, await container.status());
  await container.delete({ force: true });
  if (folder !== null) await removeFolder(folder);
}
