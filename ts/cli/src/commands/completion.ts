import { Argument, type Command } from 'commander';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { modelOf, type TreeModel } from '../completion/tree.js';
import { zshScript } from '../completion/zsh.js';
import { does } from '../invocation.js';
import { finish, subcommand } from '../subcommand.js';

const SCRIPTS: Readonly<Record<string, (model: TreeModel) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'completion',
    summary: 'print a script that teaches a shell to complete podctl',
    details: 'Commands, options, and ids of containers, for which the server is asked.',
    examples: [
      ['source <(podctl completion bash)', 'in ~/.bashrc'],
      ['podctl completion zsh > "${fpath[1]}/_podctl"', 'once'],
      ['podctl completion fish | source', 'in config.fish'],
    ],
  }).addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)));
  finish(
    does(command, 'plain', async (invocation, shell = '') => {
      const script = SCRIPTS[shell];
      if (script !== undefined) await invocation.output.write('stdout', script(modelOf(program)));
    }),
  );
}
