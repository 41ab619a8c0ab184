import type { BundleOptions } from '../../support/bundle.js';
import { Pod } from '../../../ts/client/src/index.js';
import { forEachRuntime } from '../../support/suite.js';
import { startPod } from '../pod.js';
import { declareContract } from './contract.js';
import type { Behaviour, World } from './world.js';

const MEMORY = 16 << 20;

const bundles: Record<Behaviour, Pick<BundleOptions, 'args' | 'memory'>> = {
  pause: { args: ['workload', 'ignore-term', 'then', 'pause'] },
  'exit-7': { args: ['workload', 'exit', '7'] },
  'ends-on-term': {
    args: ['sh', '-c', 'trap "exit 9" TERM; touch /tmp/ready; while :; do sleep 0.05; done'],
  },
  says: { args: ['sh', '-c', 'echo out; echo err >&2; exit 3'] },
  echo: { args: ['cat'] },
  oom: { args: ['workload', 'allocate', String(4 * MEMORY)], memory: MEMORY },
  missing: { args: ['no-such-command'] },
};

forEachRuntime('the contract, over a real server', (test) => {
  declareContract((name, body) =>
    test(name, async ({ ground }) => {
      const pod = await startPod(ground);
      const clients: Pod[] = [];
      const world: World = {
        pod,
        connect: async () => {
          const client = await Pod.connect({ runtimeDir: ground.path('run'), reconnect: false });
          clients.push(client);
          return client;
        },
        create: (id, behaviour, options) =>
          pod.createContainer({
            id,
            bundle: ground.bundle(id.replaceAll('/', '-'), bundles[behaviour]),
            log: { path: ground.path(`${id.replaceAll('/', '-')}.default.log`) },
            ...options,
          }),
        path: (file) => ground.path(file),
      };
      try {
        await body(world);
      } finally {
        for (const client of clients) await client.close();
      }
    }),
  );
});
