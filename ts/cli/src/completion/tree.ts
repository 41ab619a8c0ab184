import type { Command, Option } from 'commander';

/** What the value of an option, or an operand, is completed with. */
export type Values =
  | { readonly kind: 'none' | 'containers' | 'directories' | 'files' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

export interface OptionModel {
  /** "-d", "--runtime-dir". */
  readonly names: readonly string[];
  readonly description: string;
  /** Null: it takes no value. */
  readonly value: Values | null;
}

export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionModel[];
  readonly operands: Values;
}

/** What a shell has to know of the command tree. */
export interface TreeModel {
  readonly commands: readonly CommandModel[];
  /** Those that stand before the command's name. */
  readonly options: readonly OptionModel[];
}

/** The model of a program. */
export function modelOf(program: Command): TreeModel {
  return {
    commands: program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary(),
      options: optionsOf(command),
      operands: operandsOf(command),
    })),
    options: optionsOf(program),
  };
}

function optionsOf(command: Command): OptionModel[] {
  const help: OptionModel = { names: ['-h', '--help'], description: 'help', value: null };
  return [...command.options.filter((option) => !option.hidden).map(optionModel), help];
}

function optionModel(option: Option): OptionModel {
  return {
    names: [option.short, option.long].filter((name) => name !== undefined && name !== null),
    description: option.description,
    value: option.required || option.optional ? valuesOf(option) : null,
  };
}

/** By what stands in the angle brackets: `--runtime-dir <dir>`. */
function valuesOf(option: Option): Values {
  if (option.argChoices !== undefined) return { kind: 'words', words: option.argChoices };
  if (/<dir>/.test(option.flags)) return { kind: 'directories' };
  return /path>|<source:/.test(option.flags) ? { kind: 'files' } : { kind: 'none' };
}

function operandsOf(command: Command): Values {
  const first = command.registeredArguments[0];
  if (first === undefined) return { kind: 'none' };
  if (first.argChoices !== undefined) return { kind: 'words', words: first.argChoices };
  if (first.name() === 'id') return { kind: 'containers' };
  return first.name() === 'rootfs' || first.name() === 'bundle' ? { kind: 'directories' } : { kind: 'none' };
}
