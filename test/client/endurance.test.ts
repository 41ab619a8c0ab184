import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { Link } from '../../ts/client/src/link/link.js';
import { dial } from '../../ts/client/src/link/dial.js';
import { RootCaller } from '../../ts/client/src/link/root-caller.js';
import { PodherdClient } from '../../ts/client/src/generated/podherd.js';
import { EventStream } from '../../ts/client/src/events/stream.js';
import { spawn } from '../../ts/client/src/spawn/spawn.js';
import type { Session } from '../../ts/client/src/rpc/session.js';
import { tables } from '../../ts/client/test/rpc/tables.js';
import { forEachRuntime } from '../support/suite.js';
import { startPod } from './pod.js';

const MIB = 1024 * 1024;
/** What the heap may be larger after than before; ten calls' worth of garbage would be far more over 100,000. */
const HEAP_MIB = 12;

forEachRuntime('what is left of many calls', (test, runtime) => {
  test.skipIf(runtime.name !== 'runc')(
    'nothing, of 100,000 calls, events and of 1,000 commands',
    { timeout: 900_000 },
    async ({ ground }) => {
      const pod = await startPod(ground);
      const { client, link, session } = await open(pod.socketPath);
      const container = await pod.createContainer({
        id: 'web',
        bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
      });
      await container.start();

      const calls = async (count: number): Promise<void> => {
        for (let sent = 0; sent < count; sent += 1_000) {
          const batch = Array.from({ length: 1_000 }, () => client.version({ request: {} }));
          await Promise.all(batch);
        }
      };
      const commands = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const exec = await spawn(client, 'web', ['true'], { stdin: true });
          await exec.wait();
        }
      };
      // Each is begun with 100 events, which are told over and over.
      const events = async (count: number): Promise<void> => {
        const { instance, nextSequence } = await client.listContainers({});
        const first = nextSequence > 100n ? nextSequence - 100n : 1n;
        for (let taken = 0; taken < count;) {
          const stream = new EventStream(client, link, { from: { instance, sequence: first } });
          for (let i = first; i < nextSequence; i++, taken++)
            expect((await stream.next()).value).toBeDefined();
          await stream.return();
        }
      };
      await commands(60);
      await calls(3_000);
      await events(3_000);
      const before = heap();
      await calls(100_000);
      await events(100_000);
      await commands(1_000);
      // The last releases are on their way.
      await client.version({ request: {} });
      await expect.poll(() => tables(session)).toEqual({ questions: 0, imports: 1, exports: 0, answers: 0 });
      expect(session.counts).toEqual({ open: 0, queued: 0 });
      expect((heap() - before) / MIB).toBeLessThan(HEAP_MIB);
      expect((await pod.stats()).server).toMatchObject({ eventWatches: 0, execs: 0 });
      await link.close();
    },
  );
});

/** A link whose session can be looked into. */
async function open(socketPath: string) {
  let session: Session | undefined;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const link = await Link.open(
    {
      socketPath,
      reconnect: null,
      logger: silent,
      dial: async (call) => {
        const dialled = await dial(socketPath, 'podherd', call);
        session = dialled.session;
        return dialled;
      },
    },
    {},
  );
  return { link, client: new PodherdClient(new RootCaller(link, undefined)), session: session! };
}

function heap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}
