import { existsSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

import { contentOf, logFiles, readRecords } from '../support/container-logs.js';
import { EventLog } from '../support/events.js';
import { expectedLines, lines } from '../support/numbered-lines.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

const LINES = 2_000;
const SIZE = 20_000;

forEachRuntime('of a log that is rotated', (test) => {
  for (const kept of [1, 3]) {
    test(`the newest ${kept} older files are kept, and files of others`, async ({ ground }) => {
      const path = ground.path('0.log');
      const others = ['20200101-000000', '20200101-000000.000000000.gz', 'old'].map(
        (end) => `${path}.${end}`,
      );
      const earlier = `${path}.20200101-000000.000000000`;
      for (const file of [...others, earlier]) writeFileSync(file, '');
      const { connection } = await ground.server();
      const container = await ground.run({
        args: lines(LINES),
        logDrivers: [{ type: 'containerRuntimeInterface', path, maxSize: BigInt(SIZE) }],
        settings: { logMaxFiles: kept },
      });
      expect((await connection.statusAtEnd(container.id)).exit?.logComplete).toBe(true);
      expect(others.filter((file) => !existsSync(file))).toEqual([]);
      expect(existsSync(earlier)).toBe(false);
      const files = logFiles(path).filter((file) => !others.includes(file));
      expect(files).toHaveLength(kept + 1);
      // Whole files were removed: what is left is the end of the output, without a hole.
      const content = Buffer.concat(
        files.map((file) => contentOf(readRecords(file, 'containerRuntimeInterface'))),
      );
      expect(content.length).toBeGreaterThan((kept * SIZE) / 2);
      expect(expectedLines(LINES).subarray(-content.length).equals(content)).toBe(true);
    });
  }

  test('all are kept unless something else was asked for', async ({ ground }) => {
    const path = ground.path('0.log');
    const { connection } = await ground.server();
    const container = await ground.run({
      args: lines(LINES),
      logDrivers: [{ type: 'json', path, maxSize: BigInt(SIZE) }],
      settings: {},
    });
    await connection.statusAtEnd(container.id);
    const content = logFiles(path).map((file) => contentOf(readRecords(file, 'json')));
    expect(content.length).toBeGreaterThan(5);
    expect(Buffer.concat(content).equals(expectedLines(LINES))).toBe(true);
  });
});

forEachRuntime('of output that the log can not take', (test) => {
  test('is told while the container lives, and with the last of it before its end', async ({ ground }) => {
    const full = await ground.tmpfs('full', '64k');
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const said = 3_000_000;
    const args = ['workload', 'print', 'stdout', String(said), 'then', 'pause'];
    const container = await ground.run({ args, logPath: `${full}/log` });
    const dropped = () =>
      log.events.flatMap((event) => (event.which === 'logDropped' ? [event.logDropped] : []));
    await log.until('a loss is told', () => dropped()[0]);
    await until('all is counted', async () => {
      const { droppedLogBytes } = await connection.status(container.id);
      return droppedLogBytes > 2_900_000n ? true : undefined;
    });
    await container.kill('KILL');
    const end = await connection.statusAtEnd(container.id);
    await log.until('its end', ({ events }) => events.find(({ which }) => which === 'exited'));
    const told = dropped();
    for (const { reason } of told) expect(reason).toMatch(/No space left on device/);
    expect(told.at(-1)?.droppedBytes).toBe(end.droppedLogBytes);
    for (const [n, loss] of told.slice(1).entries())
      expect(loss.droppedBytes).toBeGreaterThan(told[n]?.droppedBytes ?? 0n);
    expect(end.exit?.logComplete).toBe(false);
    expect(log.events.at(-1)?.which).toBe('exited');
    log.release();
  });
});
