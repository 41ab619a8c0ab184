import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

import type { Ground } from './ground.js';
import { run } from './run.js';
import { until, within } from './until.js';

/** An entry of the journal: text, or the numbers of bytes that are none; null when it was too long to be shown. */
export type JournalEntry = Readonly<Record<string, string | readonly number[] | null>>;

/** In memory, without limits that would drop what a test sends, and with nothing of it forwarded. */
const config = [
  '[Journal]',
  'Storage=volatile',
  'RateLimitIntervalSec=0',
  'RateLimitBurst=0',
  'ForwardToSyslog=no',
  'ForwardToKMsg=no',
  'ForwardToConsole=no',
  'ForwardToWall=no',
  'ReadKMsg=no',
  'Audit=no',
].join('\n');

/** What makes a machine without systemd one with an empty place for a journal, in a mount namespace of its own. */
const prepare = `
  mkdir -p /run/systemd /run/log
  mount -t tmpfs journald-test /run/systemd
  mount -t tmpfs journald-test /run/log
  mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
  printf '%s\\n' "$0" > /run/systemd/journald.conf.d/test.conf
  echo ready
  exec sleep infinity`;

/** A real systemd-journald of a test's own. What shall log to it is started with the words of `enter` before it. */
export class Journald {
  readonly #holder: ChildProcess;
  #process: ChildProcess | undefined;

  /** A place for a journal, with none in it yet. It is gone at the end of the test. */
  static async prepare(ground: Ground): Promise<Journald> {
    const words = ['--mount', '--propagation', 'private', '/bin/sh', '-ec', prepare, config];
    const holder = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const journald = new Journald(holder);
    ground.onEnd(() => journald.end());
    await within('a mount namespace for the journal', once(holder.stdout, 'data'));
    return journald;
  }

  /** A running one. */
  static async start(ground: Ground): Promise<Journald> {
    const journald = await Journald.prepare(ground);
    await journald.start();
    return journald;
  }

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** The beginning of a command line that is to run where this journal is. */
  get enter(): readonly string[] {
    return ['/usr/bin/nsenter', `--mount=/proc/${this.#holder.pid}/ns/mnt`, '--'];
  }

  /** Starts it, also once more after its end. */
  async start(): Promise<void> {
    const [program = '', ...words] = this.enter;
    this.#process = spawn(program, [...words, '/lib/systemd/systemd-journald'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const pid = this.#process.pid;
    const socket = `/proc/${this.#holder.pid}/root/run/systemd/journal/socket`;
    await until(`systemd-journald, process ${pid}, listens`, async () =>
      existsSync(socket) && (await this.#run('journalctl', '--sync')).code === 0 ? true : undefined,
    );
  }

  /** Ends it in order; its socket's file stays, and refuses. */
  async stop(): Promise<void> {
    await this.#signal('SIGTERM');
  }

  /** Makes it take nothing for the time of `work`. */
  async whileStopped(work: () => Promise<void>): Promise<void> {
    this.#process?.kill('SIGSTOP');
    try {
      await work();
    } finally {
      this.#process?.kill('SIGCONT');
    }
  }

  /** All entries with these fields, each `NAME=VALUE`, in their order. */
  async entries(...matches: readonly string[]): Promise<JournalEntry[]> {
    await this.#run('journalctl', '--sync');
    const { code, stdout, stderr } = await this.#run(
      'journalctl',
      '--quiet',
      '--directory=/run/log/journal',
      '--all',
      '--output=json',
      ...matches,
    );
    if (code !== 0) throw new Error(`journalctl: ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry);
  }

  async end(): Promise<void> {
    await this.#signal('SIGKILL');
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    this.#holder.kill('SIGKILL');
    await once(this.#holder, 'exit');
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const journald = this.#process;
    this.#process = undefined;
    if (journald === undefined || journald.exitCode !== null || journald.signalCode !== null) return;
    journald.kill(signal);
    await within('the end of systemd-journald', once(journald, 'exit'));
  }

  #run(...command: readonly string[]): ReturnType<typeof run> {
    const [program = '', ...words] = this.enter;
    return run(program, [...words, ...command]);
  }
}

/** The bytes of a field. */
export function bytesOf(entry: JournalEntry, field: string): Buffer {
  const value = entry[field];
  if (value === undefined || value === null) throw new Error(`no ${field} in ${JSON.stringify(entry)}`);
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}
