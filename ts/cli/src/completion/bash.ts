import type { OptionModel, TreeModel, Values } from './tree.js';

/** The completion script for bash. Needs nothing but bash itself. */
export function bashScript({ commands, options }: TreeModel): string {
  const cases = commands.map(
    ({ name, options: own, operands }) => `    ${name})
      options='${names(own)}'
      valued='${names(own.filter(({ value }) => value !== null))}'
      operands='${operands.kind}'
      words='${operands.kind === 'words' ? operands.words.join(' ') : ''}' ;;`,
  );
  const all = [...options, ...commands.flatMap((command) => command.options)].filter(
    ({ value }) => value !== null,
  );
  return `# bash completion for podctl; made by \`podctl completion bash\`
_podctl_ids() {
  podctl "\${server[@]}" --timeout 1s ps --quiet 2>/dev/null
}

_podctl_fill() { # KIND WORDS
  case $1 in
    containers) COMPREPLY=($(compgen -W "$(_podctl_ids)" -- "$current")) ;;
    words) COMPREPLY=($(compgen -W "$2" -- "$current")) ;;
    directories) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current")) ;;
    files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}

_podctl_value() { # COMMAND OPTION
  case "$1 $2" in
${valueCases(commands, options).join('\n')}
  esac
}

_podctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command='' at word options valued operands='' words='' count=0
  local server=()
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case $word in
      -d | --runtime-dir | --socket) server+=("$word" "\${COMP_WORDS[at+1]}"); ((at++)) ;;
      --) return ;;
      ${valuedPattern(all)}) ((at++)) ;;
      -*) ;;
      *) if [ -z "$command" ]; then command=$word; else ((count++)); fi ;;
    esac
  done
  case $command in
    '')
      options='${names(options)}'
      valued='${names(options.filter(({ value }) => value !== null))}'
      operands=words
      words='${commands.map(({ name }) => name).join(' ')}' ;;
${cases.join('\n')}
    *) return ;;
  esac
  if [[ " $valued " == *" $previous "* ]]; then
    _podctl_value "$command" "$previous"
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    _podctl_fill "$operands" "$words"
  fi
}
complete -F _podctl podctl
`;
}

function valueCases(commands: TreeModel['commands'], global: readonly OptionModel[]): string[] {
  const lines: string[] = [];
  for (const { name, options } of [{ name: '', options: global }, ...commands]) {
    for (const option of options) {
      const fill = option.value === null ? null : fillCall(option.value);
      if (fill === null) continue;
      lines.push(`    ${option.names.map((each) => `'${name} ${each}'`).join(' | ')}) ${fill} ;;`);
    }
  }
  return lines;
}

function fillCall(values: Values): string | null {
  if (values.kind === 'none') return null;
  return `_podctl_fill ${values.kind}${values.kind === 'words' ? ` '${values.words.join(' ')}'` : ''}`;
}

function names(options: readonly OptionModel[]): string {
  return options.flatMap((option) => option.names).join(' ');
}

function valuedPattern(options: readonly OptionModel[]): string {
  const found = new Set(options.flatMap((option) => option.names));
  for (const name of ['-d', '--runtime-dir', '--socket']) found.delete(name);
  return [...found].join(' | ');
}
