import type { Command } from 'commander';
import { asIs, collect } from '../parse/pairs.js';

/** What `start`, and `run` for a server of its own, take to describe a server. */
export interface ServerOptions {
  runtime?: string;
  runtimeRoot?: string;
  server?: string;
  serverArg?: string[];
}

/** Let a command describe a server. */
export function serverOptions(command: Command, heading: string): Command {
  return command
    .optionsGroup(heading)
    .option(
      '--runtime <name|path>',
      'the OCI runtime: runc, crun or a path (default: the first that is installed)',
    )
    .option('--runtime-root <dir>', "the directory of the runtime's own state")
    .option('--server <path>', "the server's binary (default: $PODHERD_SERVER, then podherd in PATH)")
    .option('--server-arg <flag>', 'a further flag of the server; may be repeated', collect(asIs));
}
