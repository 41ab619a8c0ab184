import type { OptionModel, TreeModel, Values } from './tree.js';

/** The completion script for fish. */
export function fishScript({ commands, options }: TreeModel): string {
  const names = commands.map(({ name }) => name).join(' ');
  const lines = [
    ...options.map((option) => line("-n 'not __fish_seen_subcommand_from $__podctl_commands'", option)),
    ...commands.flatMap(({ name, summary, options: own, operands }) => [
      `complete -c podctl -f -n 'not __fish_seen_subcommand_from $__podctl_commands' -a ${name} -d ${quoted(summary)}`,
      ...own.map((option) => line(`-n '__fish_seen_subcommand_from ${name}'`, option)),
      ...operandLines(name, operands),
    ]),
  ];
  return `# fish completion for podctl; made by \`podctl completion fish\`
set -g __podctl_commands ${names}

function __podctl_ids
    set -l words (commandline -opc)
    set -l server
    for at in (seq (count $words))
        switch $words[$at]
            case -d --runtime-dir --socket
                set server $server $words[$at] $words[(math $at + 1)]
        end
    end
    podctl $server --timeout 1s ps --quiet 2>/dev/null
end

complete -c podctl -f
${lines.join('\n')}
`;
}

function line(condition: string, { names, description, value }: OptionModel): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return `complete -c podctl ${condition} ${flags.join(' ')} -d ${quoted(description)}${valueFlags(value)}`;
}

function valueFlags(value: Values | null): string {
  if (value === null) return '';
  switch (value.kind) {
    case 'words':
      return ` -x -a ${quoted(value.words.join(' '))}`;
    case 'directories':
      return " -x -a '(__fish_complete_directories)'";
    case 'files':
      return ' -r -F';
    case 'containers':
    case 'none':
      return ' -x';
  }
}

function operandLines(name: string, operands: Values): string[] {
  const begin = `complete -c podctl -n '__fish_seen_subcommand_from ${name}'`;
  switch (operands.kind) {
    case 'containers':
      return [`${begin} -f -a '(__podctl_ids)'`];
    case 'words':
      return [`${begin} -f -a ${quoted(operands.words.join(' '))}`];
    case 'directories':
      return [`${begin} -f -a '(__fish_complete_directories)'`];
    case 'files':
      return [`${begin} -F`];
    case 'none':
      return [];
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
