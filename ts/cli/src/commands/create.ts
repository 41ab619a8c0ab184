import type { Command } from 'commander';
import { makeContainer, readRequest } from '../container/make.js';
import { type ContainerOptions, containerOptions } from '../container/options.js';
import { does } from '../invocation.js';
import { finish, subcommand } from '../subcommand.js';

const USAGE = 'podctl create [options] ROOTFS -- COMMAND';

export function createCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'create [rootfs] [command...]',
    synopsis: '[options] ROOTFS -- COMMAND',
    summary: 'create a container that waits for `podctl start`',
    details: 'As `run`, without starting it. Options stand before the root file system. Prints the id.',
    examples: [
      ['podctl create --name web /srv/web -- httpd -f', 'from a root file system'],
      ['podctl create --name web --bundle /srv/bundle', 'from an OCI bundle'],
    ],
  }).passThroughOptions();
  finish(
    does<ContainerOptions>(containerOptions(command), 'plain', async (invocation, ...operands) => {
      const { output, options } = invocation;
      const request = await readRequest(options, operands, USAGE);
      const pod = await invocation.connect();
      const container = await makeContainer(invocation, pod, request);
      if (output.json) output.printJson(await container.status(invocation.call));
      else output.print(container.id);
    }),
  );
}
