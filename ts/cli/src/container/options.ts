import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../parse/duration.js';
import { type MountRequest, parseMount, parseVolume } from '../parse/mount.js';
import { positiveNumber, wholeNumber } from '../parse/number.js';
import { collect, parseEnvironment, parseLabel } from '../parse/pairs.js';
import { parseSignal } from '../parse/signal.js';
import { parseRate, parseSize } from '../parse/size.js';

/** What `run` and `create` take to describe a container. */
export interface ContainerOptions {
  name?: string;
  bundle?: string;
  interactive?: boolean;
  tty?: boolean;
  env?: (readonly [string, string])[];
  workdir?: string;
  user?: string;
  hostname?: string;
  readOnly?: boolean;
  mount?: MountRequest[];
  volume?: MountRequest[];
  network?: 'none' | 'host';
  memory?: number;
  cpus?: number;
  pidsLimit?: number;
  cgroupParent?: string;
  label?: (readonly [string, string])[];
  stopSignal?: number;
  stopTimeout?: number;
  rateLimit?: number;
  log?: string;
  logDriver: 'cri' | 'json' | 'journald' | 'none';
  logMaxSize?: number;
  logMaxFiles?: number;
  preflight: 'off' | 'warn' | 'enforce';
}

/** Let a command describe a container. */
export function containerOptions(command: Command): Command {
  return command
    .optionsGroup('What runs:')
    .option('--name <id>', "the container's id (default: one is made up)")
    .option('--bundle <dir>', 'an OCI bundle, in place of ROOTFS and a command')
    .option('-i, --interactive', 'pass input on')
    .option('-t, --tty', 'give it a terminal')
    .option(
      '-e, --env <name[=value]>',
      'a variable of its environment; may be repeated',
      collect(parseEnvironment),
    )
    .option('-w, --workdir <dir>', 'its working directory (default: /)')
    .option(
      '-u, --user <name|uid[:gid]>',
      "as whom it runs; names are looked up in the container's /etc/passwd",
    )
    .option('--hostname <name>', 'its host name (default: its id)')
    .optionsGroup('What it sees:')
    .option('--read-only', 'its root file system can not be written')
    .option('-v, --volume <source:target[:ro]>', 'show a path of this machine in it', collect(parseVolume))
    .option('--mount <spec>', 'type=bind|tmpfs,source=…,target=…[,readonly][,size=…]', collect(parseMount))
    .addOption(
      new Option('--network <which>', "a network of its own without anything in it, or the machine's")
        .choices(['none', 'host'])
        .default('none'),
    )
    .optionsGroup('What it may use:')
    .option('-m, --memory <size>', 'memory, such as 256m', parseSize)
    .option('--cpus <number>', 'CPUs, such as 1.5', positiveNumber('--cpus'))
    .option('--pids-limit <number>', 'processes and threads', wholeNumber('--pids-limit', 1))
    .option('--rate-limit <rate>', 'output a second, such as 1m/s; past it, it is held back', parseRate)
    .option('--cgroup-parent <path>', "where its cgroup is (default: the runtime's choice)", cgroupPath)
    .optionsGroup('What is known of it:')
    .option('-l, --label <key[=value]>', 'a label; may be repeated', collect(parseLabel))
    .option('--log <path>', "its log file (default: in the server's runtime directory)")
    .addOption(
      new Option('--log-driver <driver>', 'format of the log')
        .choices(['cri', 'json', 'journald', 'none'])
        .default('cri'),
    )
    .option('--log-max-size <size>', 'rotate the log past this size', parseSize)
    .option('--log-max-files <number>', 'rotated files that are kept', wholeNumber('--log-max-files', 1))
    .optionsGroup('How it ends:')
    .option('--stop-signal <signal>', 'what `podctl stop` sends first (default: TERM)', parseSignal)
    .option('--stop-timeout <duration>', 'how long that may take (default: 10s)', parseDuration)
    .optionsGroup('Before it begins:')
    .addOption(
      new Option('--preflight <how>', 'look at the bundle first; warn of what is found, or refuse errors')
        .choices(['off', 'warn', 'enforce'])
        .default('off'),
    );
}

function cgroupPath(path: string): string {
  if (path.startsWith('/')) return path;
  throw new InvalidArgumentError('it is a path from the root of the hierarchies, such as /pods/a.');
}
