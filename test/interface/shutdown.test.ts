import { expect } from 'vitest';

import { answered } from '../support/connection.js';
import { forEachRuntime } from '../support/suite.js';

forEachRuntime('shutdown by a call', (test) => {
  test('is answered, ends the containers, and leaves nothing', async ({ ground }) => {
    const server = await ground.server();
    const running = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
    const created = await ground.create({ args: ['workload', 'pause'] });
    const { podherd } = server.connection;
    const ends = [running, created].map(({ id }) =>
      podherd.waitContainer({ id, until: 'exited', timeoutMillis: 600_000 }),
    );
    await Promise.all([podherd.shutdown({}), podherd.shutdown({})]);
    expect(await server.stopAtOnce()).toEqual([]);
    for (const end of await Promise.all(ends)) expect(answered(end.status).exit?.signal).toBe(9);
    for (const container of [running, created]) expect(await container.exit()).toBe(137);
  });

  test('may be asked for by any client, whatever becomes of it', async ({ ground }) => {
    const server = await ground.server();
    await ground.runHealthy();
    const client = await server.connect();
    const asked = client.podherd.shutdown({}).catch(() => undefined);
    await client.close();
    await asked;
    // The call may have been dropped with its connection; then it is asked again.
    await server.connection.podherd.shutdown({}).catch(() => undefined);
    expect(await server.stopAtOnce()).toEqual([]);
  });
});
