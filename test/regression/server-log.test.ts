import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import { Journald, type JournalEntry } from '../support/journald.js';
import { full } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

forEachRuntime("the server's own log", (test, runtime) => {
  const once = test.skipIf(!full && runtime.name !== 'crun');

  once('goes to the journal with its fields', async ({ ground }) => {
    const journald = await Journald.start(ground);
    const server = await ground.server({ enter: journald.enter, logDriver: 'systemd' });
    const container = await ground.run({ args: ['sh', '-c', 'exit 9'] });
    expect(await container.exit()).toBe(9);
    if (oursOnly) await server.connection.statusAtEnd(container.id);
    const entries = await journald.entries('SYSLOG_IDENTIFIER=podherd', `_PID=${server.pid}`);
    const saying = (words: string): JournalEntry | undefined =>
      entries.find(({ MESSAGE }) => String(MESSAGE).startsWith(words));
    expect(saying('listening pid=')).toMatchObject({ PRIORITY: '6', PODHERD_PID: String(server.pid) });
    expect(saying(`exited container=${container.id} code=9 `)).toMatchObject({
      PODHERD_CONTAINER: container.id,
      PODHERD_CODE: '9',
    });
    await failure(ground.create({ args: ['no-such-command'] }), 'COMMAND_NOT_FOUND', /no-such-command/);
    const warned = await journald.entries('PODHERD_CODE=COMMAND_NOT_FOUND');
    expect(warned).toMatchObject([{ PRIORITY: '4' }]);
    expect(server.log).toBe('');
  });

  once('goes to standard output with the driver stdout', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({ args: ['true'] });
    expect(await container.exit()).toBe(0);
    await expect.poll(() => server.log).toMatch(new RegExp(` INFO exited container=${container.id} code=0 `));
    for (const line of server.log.trim().split('\n')) expect(line).toMatch(/^\S+Z +[A-Z]+ \S/);
  });

  once(
    'without a journal goes to standard error, says so in one line, and the server starts',
    async ({ ground }) => {
      const journald = await Journald.prepare(ground);
      const server = await ground.server({ enter: journald.enter, logDriver: 'systemd' });
      const container = await ground.run({ args: ['true'] });
      expect(await container.exit()).toBe(0);
      const about = readFileSync(ground.path('server.log'), 'utf8')
        .split('\n')
        .filter((line) => /journald is not there/.test(line));
      expect(about).toHaveLength(1);
      await expect.poll(() => server.log).toMatch(/ INFO exited container=/);
    },
  );
});
