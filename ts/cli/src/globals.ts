import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageFailure } from './failure.js';
import { parseDuration } from './parse/duration.js';

/** The environment variable that names the server, in place of `--runtime-dir`. */
export const RUNTIME_DIR_VARIABLE = 'PODHERD_RUNTIME_DIR';

/** What can be given before and after a command's name. */
export interface Globals {
  readonly runtimeDir: string | undefined;
  readonly socket: string | undefined;
  readonly json: boolean;
  readonly colour: boolean;
  readonly timeoutMs: number | undefined;
}

/** Let a command take the global options. */
export function addGlobals(command: Command): Command {
  return command
    .optionsGroup('Global options:')
    .addOption(
      new Option('-d, --runtime-dir <dir>', `the server's runtime directory (env: ${RUNTIME_DIR_VARIABLE})`),
    )
    .addOption(
      new Option(
        '--socket <path>',
        "the server's socket, where it isn't conmon.sock in the runtime directory",
      ),
    )
    .addOption(new Option('--json', 'print JSON'))
    .addOption(new Option('--no-color', 'no colours (env: NO_COLOR)'))
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for an answer of the server').argParser(
        parseDuration,
      ),
    );
}

/** The global options of a command line; those behind the command's name win. */
export function globalsOf(command: Command, env: NodeJS.ProcessEnv): Globals {
  const levels: Record<string, unknown>[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) levels.push(each.opts());
  const find = <T>(name: string): T | undefined =>
    levels.map((level) => level[name]).find((value) => value !== undefined) as T | undefined;
  const variable = env[RUNTIME_DIR_VARIABLE];
  const socket = find<string>('socket');
  return {
    runtimeDir: find<string>('runtimeDir') ?? (variable === '' ? undefined : variable),
    socket,
    json: find<boolean>('json') ?? false,
    colour: levels.every((level) => level['color'] !== false),
    timeoutMs: find<number>('timeout'),
  };
}

/** Where the server is. @throws UsageFailure when nobody said */
export function serverPlace(globals: Globals): { runtimeDir?: string; socketPath?: string } {
  if (globals.socket !== undefined) return { socketPath: globals.socket };
  if (globals.runtimeDir !== undefined) return { runtimeDir: globals.runtimeDir };
  throw new UsageFailure(
    'which server?',
    `name its runtime directory: --runtime-dir DIR, or ${RUNTIME_DIR_VARIABLE}`,
  );
}

/** The server's socket, as `serverPlace` finds it. */
export function socketOf(globals: Globals): string {
  const place = serverPlace(globals);
  return place.socketPath ?? join(place.runtimeDir ?? '', 'conmon.sock');
}
