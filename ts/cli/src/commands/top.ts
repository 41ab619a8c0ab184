import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { does, type Invocation } from '../invocation.js';
import { finish, subcommand } from '../subcommand.js';
import { enterRaw } from '../terminal/raw.js';
import { type Look, Looker } from '../top/look.js';
import { Screen } from '../top/screen.js';
import { topLines } from '../top/view.js';
import { LEAST_INTERVAL_MS, parseInterval } from './stats.js';

interface Options {
  interval: number;
}

export function topCommand(program: Command): void {
  const command = subcommand(program, {
    usage: 'top',
    summary: 'a live screen of a server and its containers',
    details:
      'Containers with what they use, the last ends, what the reaper has counted. q ends it. Where standard output ' +
      'is no terminal, and with --json, it is printed once.',
    examples: [
      ['podctl top', 'every two seconds'],
      ['podctl top --interval 10s', 'less often'],
    ],
  }).option('--interval <duration>', 'between two looks, one second at the least', parseInterval, 2_000);
  finish(
    does<Options>(command, 'plain', async (invocation) => {
      const { output, signal } = invocation;
      const pod = await invocation.connect();
      const looker = await Looker.begin(pod, invocation.call);
      if (output.stdout.isTTY && !output.json) return live(invocation, looker);
      await looker.look(invocation.call);
      // Rates are between two looks.
      await sleep(LEAST_INTERVAL_MS, undefined, { signal });
      const look = await looker.look(invocation.call);
      if (output.json) {
        const { server, containers, stats, reaper } = look;
        output.printJson({
          server: { ...server, ...stats.server },
          containers,
          stats: stats.containers,
          reaper,
        });
      } else {
        for (const line of topLines(look, { width: null, height: null, paint: output.paint }))
          output.print(line);
      }
    }),
  );
}

/** Draw until q is typed, or podctl has to end. */
async function live(invocation: Invocation<Options>, looker: Looker): Promise<void> {
  const { options, output, signal } = invocation;
  const screen = new Screen(output.stdout);
  const keys = new Keys();
  let look: Look | null = null;
  const draw = (): void => {
    if (look !== null) screen.draw(topLines(look, { ...screen.size, paint: output.paint }));
  };
  output.stdout.on('resize', draw);
  try {
    while (!keys.quit) {
      look = await looker.look(invocation.call);
      draw();
      await keys.quitWithin(options.interval, signal);
    }
  } finally {
    output.stdout.off('resize', draw);
    keys.stop();
    screen.leave();
  }
}

/** Watches for the keys that end the screen: q, and Ctrl-C, which is a key here. */
class Keys {
  quit = false;
  readonly #leave = process.stdin.isTTY ? enterRaw(process.stdin) : () => {};
  #wake: (() => void) | null = null;

  constructor() {
    if (process.stdin.isTTY) process.stdin.on('data', this.#onData);
  }

  /** Resolves after so many milliseconds, or at once when it is to end. @throws the signal's reason */
  async quitWithin(ms: number, signal: AbortSignal): Promise<void> {
    if (this.quit) return;
    let onAbort = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = () => reject(signal.reason as Error);
        if (signal.aborted) onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  stop(): void {
    process.stdin.off('data', this.#onData);
    process.stdin.pause();
    this.#leave();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!bytes.some((byte) => byte === 0x71 || byte === 0x51 || byte === 0x03)) return;
    this.quit = true;
    this.#wake?.();
  };
}
