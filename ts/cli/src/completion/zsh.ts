import type { OptionModel, TreeModel, Values } from './tree.js';

/** The completion script for zsh, for a file `_podctl` in a directory of `fpath`, or to be sourced. */
export function zshScript({ commands, options }: TreeModel): string {
  const listed = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(
    (command) => `        ${command.name})
          _arguments -s -S \\
${[...command.options.map(spec), `'*:: :${action(command.operands) || '_default'}'`].map((line) => `            ${line}`).join(' \\\n')} ;;`,
  );
  return `#compdef podctl
# zsh completion for podctl; made by \`podctl completion zsh\`
_podctl_ids() {
  local -a server ids
  local at
  for ((at = 2; at < \${#podctl_line}; at++)); do
    case \${podctl_line[at]} in
      -d|--runtime-dir|--socket) server+=(\${podctl_line[at]} \${podctl_line[at+1]}) ;;
    esac
  done
  ids=(\${(f)"$(podctl "\${server[@]}" --timeout 1s ps --quiet 2>/dev/null)"})
  compadd -a ids
}

_podctl() {
  local -a commands podctl_line
  local state line
  podctl_line=("\${words[@]}")
  commands=(
${listed.join('\n')}
  )
  _arguments -C -S \\
${options.map((option) => `    ${spec(option)}`).join(' \\\n')} \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${cases.join('\n')}
      esac ;;
  esac
}

if [ "$funcstack[1]" = _podctl ]; then
  _podctl "$@"
else
  compdef _podctl podctl
fi
`;
}

function spec({ names, description, value }: OptionModel): string {
  const text = description.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
  const behind = value === null ? '' : `:value:${action(value)}`;
  // Options may be repeated.
  const each = names.map((name) => quoted(`*${name}[${text}]${behind}`));
  return each.join(' ');
}

function action(values: Values): string {
  switch (values.kind) {
    case 'containers':
      return '_podctl_ids';
    case 'directories':
      return '_files -/';
    case 'files':
      return '_files';
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'none':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
