import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

import { contentOf, readRecords } from '../support/container-logs.js';
import { failure } from '../support/failure.js';
import { bytesOf, Journald } from '../support/journald.js';
import { expectedLines, lines } from '../support/numbered-lines.js';
import { full } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

forEachRuntime('the journal as a log', (test, runtime) => {
  const once = test.skipIf(!full && runtime.name !== 'crun');

  test('has every line of a real systemd-journald, long ones, binary ones and both streams', async ({
    ground,
  }) => {
    const journald = await Journald.start(ground);
    await ground.server({ enter: journald.enter });
    // Longer than a datagram may be (it goes by a sealed file), and longer than an entry of ours.
    const [inFile, inPieces] = ['f'.repeat(240 << 10), 'p'.repeat(300 << 10)];
    const content = Buffer.concat([
      Buffer.from('plain\n  both sides \n\n'),
      Buffer.from([0, 1, 0xff, 0xfe, 0x0a]),
      Buffer.from(`${inFile}\n${inPieces}\nlast`),
    ]);
    const file = ground.path('content');
    writeFileSync(file, content);
    const container = await ground.run({
      args: ['sh', '-c', 'cat /data/content; echo to stderr >&2'],
      data: { content: file },
      logDrivers: [{ type: 'journald' }],
    });
    expect(await container.exit()).toBe(0);
    const entries = await journald.entries(`CONTAINER_ID=${container.id}`);
    const out = entries.filter(({ CONTAINER_STREAM }) => CONTAINER_STREAM === 'stdout');
    const logged = out.flatMap((entry) => [
      bytesOf(entry, 'MESSAGE'),
      Buffer.from(entry['CONTAINER_PARTIAL_MESSAGE'] === 'true' ? '' : '\n'),
    ]);
    expect(Buffer.concat(logged).equals(Buffer.concat([content, Buffer.from('\n')]))).toBe(true);
    expect(out.length).toBe(8);
    expect(
      out.every(({ PRIORITY, SYSLOG_IDENTIFIER }) => PRIORITY === '6' && SYSLOG_IDENTIFIER === container.id),
    ).toBe(true);
    const err = entries.filter(({ CONTAINER_STREAM }) => CONTAINER_STREAM === 'stderr');
    expect(err).toMatchObject([{ MESSAGE: 'to stderr', PRIORITY: '3', _TRANSPORT: 'journal' }]);
  });

  once('has 20,000 lines in order beside a file, and a reopening is no matter to it', async ({ ground }) => {
    const journald = await Journald.start(ground);
    const server = await ground.server({ enter: journald.enter });
    const path = ground.logPath('beside');
    const container = await ground.run({
      args: lines(20_000),
      logDrivers: [
        { type: 'journald', path: '' },
        { type: 'json', path },
      ],
    });
    await server.connection.conmon.reopenLogContainer({ request: { id: container.id } });
    expect(await container.exit(60_000)).toBe(0);
    const entries = await journald.entries(`CONTAINER_ID=${container.id}`);
    const text = entries.map((entry) => `${bytesOf(entry, 'MESSAGE').toString()}\n`).join('');
    expect(text).toBe(expectedLines(20_000).toString());
    expect(contentOf(readRecords(path, 'json')).equals(expectedLines(20_000))).toBe(true);
  });

  test('that is not there fails the create', async ({ ground }) => {
    const journald = await Journald.prepare(ground);
    const server = await ground.server({ enter: journald.enter });
    const path = ground.logPath('beside');
    const call = ground.create({ args: ['true'], logDrivers: [{ path }, { type: 'journald' }] });
    await failure(call, 'LOG_UNAVAILABLE', /journald does not listen at its socket/);
    expect(existsSync(path)).toBe(false);
    await ground.expectNothingLeft(server.atStart);
  });

  once('that is started anew goes on, and says what it missed', async ({ ground }) => {
    const journald = await Journald.start(ground);
    const server = await ground.server({ enter: journald.enter });
    const script =
      'echo before; for go in 1 2; do until [ -e /data/go/$go ]; do sleep 0.1; done; echo after $go; done';
    const go = ground.path('go');
    mkdirSync(go);
    const container = await ground.run({
      args: ['sh', '-c', script],
      data: { go },
      logDrivers: [{ type: 'journald' }],
    });
    const messages = async (): Promise<string[]> =>
      (await journald.entries(`CONTAINER_ID=${container.id}`)).map(({ MESSAGE }) => String(MESSAGE));
    await expect.poll(messages, { timeout: 20_000 }).toEqual(['before']);
    await journald.stop();
    writeFileSync(`${go}/1`, '');
    if (oursOnly) {
      await expect
        .poll(async () => (await server.connection.status(container.id)).droppedLogBytes, { timeout: 20_000 })
        .toBe(8n);
    }
    await journald.start();
    writeFileSync(`${go}/2`, '');
    expect(await container.exit()).toBe(0);
    expect(await messages()).toEqual([
      'before',
      'podherd: 8 bytes of output were not logged: Connection refused',
      'after 2',
    ]);
  });

  once(
    'that hangs delays no call and no exit of another container, and its own by a bounded time',
    async ({ ground }) => {
      const journald = await Journald.start(ground);
      const server = await ground.server({ enter: journald.enter, logDriver: 'systemd' });
      const holds = await ground.create({ args: lines(5_000), logDrivers: [{ type: 'journald' }] });
      await journald.whileStopped(async () => {
        await holds.start();
        const other = await ground.run({ args: ['sh', '-c', 'echo fine; exit 7'] });
        expect(await other.exit()).toBe(7);
        await server.connection.conmon.version({ request: { verbose: false } });
        expect(await holds.exit()).toBe(0);
      });
      const { exit, droppedLogBytes } = await server.connection.statusAtEnd(holds.id);
      expect(exit?.logComplete).toBe(false);
      const entries = await journald.entries(`CONTAINER_ID=${holds.id}`);
      const text = entries.map((entry) => `${bytesOf(entry, 'MESSAGE').toString()}\n`).join('');
      const expected = expectedLines(5_000).toString();
      expect(expected.startsWith(text)).toBe(true);
      expect(BigInt(text.length) + droppedLogBytes).toBe(BigInt(expected.length));
      // It is heard of again.
      const later = await ground.run({ args: ['echo', 'later'], logDrivers: [{ type: 'journald' }] });
      expect(await later.exit()).toBe(0);
      expect(await journald.entries(`CONTAINER_ID=${later.id}`)).toMatchObject([{ MESSAGE: 'later' }]);
    },
  );
});
