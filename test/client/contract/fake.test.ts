import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { type CommandScript, type ContainerScript, FakePod } from '../../../ts/client/src/testing/index.js';
import { declareContract } from './contract.js';
import type { Behaviour, World } from './world.js';

const says = { stdout: 'out\n', stderr: 'err\n' };

/** Commands as a busybox would run them. */
function exec([program, , script]: readonly string[]): CommandScript {
  if (program === 'cat') return { echo: true };
  if (program === 'no-such-command') return { fail: 'COMMAND_NOT_FOUND' };
  if (script?.startsWith('echo') === true) return { ...says, exitCode: 5 };
  return script === 'sleep 60' ? { afterMs: Infinity } : {};
}

const scripts: Record<Behaviour, ContainerScript> = {
  pause: { exec, ignores: true },
  'exit-7': { exitCode: 7 },
  'ends-on-term': { exec, onSignal: { SIGTERM: { exitCode: 9 } } },
  says: { ...says, exitCode: 3 },
  echo: { echo: true },
  oom: { oomKilled: true },
  missing: { failCreate: 'COMMAND_NOT_FOUND' },
};

describe('the contract, in memory', () => {
  declareContract((name, body) =>
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'podherd-contract-'));
      await using pod = new FakePod();
      const world: World = {
        pod,
        connect: () => Promise.resolve(pod.connect()),
        create: (id, behaviour, options) =>
          pod.script(id, scripts[behaviour]).createContainer({ id, bundle: '/bundles/any', ...options }),
        path: (file) => join(folder, file),
      };
      try {
        await body(world);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );
});
