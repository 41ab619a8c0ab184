import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { contentOf, type FileFormat, logFiles, readRecords } from '../support/container-logs.js';
import { failure } from '../support/failure.js';
import { expectedLines, lines } from '../support/numbered-lines.js';
import { full } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

const formats: readonly FileFormat[] = ['containerRuntimeInterface', 'json'];

/** Puts the records of several files in their order, which is that of their first lines. */
function inOrder(files: readonly string[], format: FileFormat): ReturnType<typeof readRecords> {
  const first = ([record]: ReturnType<typeof readRecords>): number =>
    Number(/^line (\d+) /.exec(record?.content.toString() ?? '')?.[1]);
  return files
    .map((file) => readRecords(file, format))
    .filter((records) => records.length > 0)
    .sort((one, other) => first(one) - first(other))
    .flat();
}

/** What a log holds, unless a write is under way. */
function wholeRecords(path: string, format: FileFormat): Buffer | undefined {
  try {
    return contentOf(readRecords(path, format));
  } catch {
    return undefined;
  }
}

forEachRuntime('a log sink', (test, runtime) => {
  // The runtime has no part in most of it.
  const once = test.skipIf(!full && runtime.name !== 'crun');

  for (const type of formats) {
    test(`in the format ${type} has all lines while it is renamed and reopened under load, also with maxSize`, async ({
      ground,
    }) => {
      // Cases 37, 39: a log garbled by rotation under load; truncated at its size.
      const [count, maxSize] = [200_000, 1_048_576n];
      const path = ground.logPath('load');
      const container = await ground.run({
        args: lines(count),
        logDrivers: [{ type, path, maxSize }],
      });
      const { conmon } = (await ground.server()).connection;
      const moved: string[] = [];
      let ended = false;
      const exit = container.exit(60_000).finally(() => (ended = true));
      for (let n = 0; !ended; n++) {
        const name = ground.path(`moved-${n}`);
        try {
          renameSync(path, name);
          moved.push(name);
          await conmon.reopenLogContainer({ request: { id: container.id } });
        } catch (error) {
          // The server may be between the two steps of a rotation of its own; or the container has ended.
          expect(String(error)).toMatch(/ENOENT|CONTAINER_NOT_RUNNING/);
        }
        await sleep(10);
      }
      expect(await exit).toBe(0);
      const files = [...moved, ...logFiles(path)].filter((file) => existsSync(file));
      expect(moved.length).toBeGreaterThan(10);
      expect(contentOf(inOrder(files, type)).equals(expectedLines(count))).toBe(true);
      for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(Number(maxSize));
    });

    once(`in the format ${type} keeps what was written when it reaches maxSize`, async ({ ground }) => {
      // Case 39, conmon-rs 562: truncation at the limit lost everything.
      const path = ground.logPath('limited');
      writeFileSync(path, '');
      const container = await ground.run({
        args: lines(200_000),
        logDrivers: [{ type, path, maxSize: 1_048_576n }],
      });
      expect(await container.exit(60_000)).toBe(0);
      const files = logFiles(path);
      expect(files.length).toBeGreaterThan(16);
      for (const file of files.slice(0, -1)) expect(file).toMatch(/\.log\.\d{8}-\d{6}\.\d{9}$/);
      // Sorted by name they are in order.
      const records = files.flatMap((file) => readRecords(file, type));
      expect(contentOf(records).equals(expectedLines(200_000))).toBe(true);
    });

    once(
      `in the format ${type} goes on after the disk was full, and says what is missing`,
      async ({ ground }) => {
        // Cases 45, 69: logging stopped for good and nobody was told; or went on, glued to the torn line.
        const folder = await ground.tmpfs('logs', '256k');
        const go = ground.path('go');
        writeFileSync(`${folder}/filler`, Buffer.alloc(128 << 10));
        writeFileSync(go, '');
        const script = `${lines(5_000)[2]}; until [ -s /data/go ]; do sleep 0.1; done; echo after; exit 3`;
        const container = await ground.run({
          args: ['sh', '-c', script, 'x'.repeat(70)],
          data: { go },
          logDrivers: [{ type, path: `${folder}/log` }],
        });
        const { connection } = await ground.server();
        const printed = expectedLines(5_000).length;
        if (oursOnly) {
          await until('each line is logged or counted as dropped', async () => {
            const { droppedLogBytes } = await connection.status(container.id);
            const logged = wholeRecords(`${folder}/log`, type);
            const all = logged !== undefined && droppedLogBytes + BigInt(logged.length) === BigInt(printed);
            return all && droppedLogBytes > 100_000n ? true : undefined;
          });
        }
        writeFileSync(`${folder}/filler`, '');
        writeFileSync(go, 'go');
        expect(await container.exit()).toBe(3);
        const records = readRecords(`${folder}/log`, type);
        const logged = contentOf(records).toString();
        expect(logged).toMatch(/^line 0 x+\nline 1 /);
        expect(logged).toMatch(/\nafter\n$/);
        const notices = records
          .filter(({ stream }) => stream === 'stderr')
          .map(({ content }) =>
            Number(/^podherd: (\d+) bytes of output were not logged: /.exec(content.toString())?.[1]),
          );
        const missing = notices.reduce((sum, bytes) => sum + bytes, 0);
        expect(logged.length + missing).toBe(printed + 'after\n'.length);
      },
    );

    once(
      `in the format ${type} has its last line closed and keeps what an earlier container wrote`,
      async ({ ground }) => {
        // Cases 38 and 60.
        const path = ground.logPath('shared');
        for (const word of ['one', 'two']) {
          const container = await ground.run({ args: ['printf', word], logDrivers: [{ type, path }] });
          expect(await container.exit()).toBe(0);
          await container.delete();
        }
        const records = readRecords(path, type);
        expect(records.map(({ partial, content }) => `${partial} ${content.toString()}`)).toEqual([
          'false one',
          'false two',
        ]);
      },
    );

    once(
      `in the format ${type} keeps white space, long lines and bytes that are no text`,
      async ({ ground }) => {
        // Case 76: lines cut at 4,096 bytes without a mark and trimmed; a P record for each read.
        const long = 'ä'.repeat(20_000);
        const content = Buffer.concat([
          Buffer.from(`  both sides \t\n\n${'x'.repeat(16_384)}\n${long}\n`),
          Buffer.from([0, 1, 0xff, 0xfe, 0x0a]),
        ]);
        const file = ground.path('content');
        writeFileSync(file, content);
        const path = ground.logPath('odd');
        const container = await ground.run({
          args: ['cat', '/data/content'],
          data: { content: file },
          logDrivers: [{ type, path }],
        });
        expect(await container.exit()).toBe(0);
        const records = readRecords(path, type);
        expect(contentOf(records).equals(content)).toBe(true);
        const partial = records.map((record) => record.partial);
        expect(partial).toEqual([false, false, false, true, true, false, false]);
      },
    );
  }

  once('is reopened while an exec runs in its container', async ({ ground }) => {
    // Case 81: the lookup by the container's id found the exec.
    const container = await ground.runHealthy();
    const exec = container.exec(['sh', '-c', 'touch /tmp/runs; until [ -e /tmp/end ]; do sleep 0.1; done']);
    const temporary = `/proc/${container.pid}/root/tmp`;
    await until('the exec runs', () => (existsSync(`${temporary}/runs`) ? true : undefined));
    renameSync(container.logPath, `${container.logPath}.1`);
    const { conmon } = (await ground.server()).connection;
    await conmon.reopenLogContainer({ request: { id: container.id } });
    expect(existsSync(container.logPath)).toBe(true);
    writeFileSync(`${temporary}/end`, '');
    expect((await exec).exitCode).toBe(0);
  });

  test('is not needed: a container without any is drained all the same', async ({ ground }) => {
    const container = await ground.run({
      args: [
        'workload',
        'print',
        'stdout',
        '10000000',
        'then',
        'print',
        'stderr',
        '10000000',
        'then',
        'exit',
        '4',
      ],
      logDrivers: [],
    });
    expect(await container.exit()).toBe(4);
  });

  once('that fails disturbs no other one of its container', async ({ ground }) => {
    const full = await ground.tmpfs('full', '64k');
    const [cri, json] = [ground.logPath('cri'), ground.logPath('json')];
    const container = await ground.run({
      args: lines(20_000),
      logDrivers: [
        { type: 'json', path: `${full}/log` },
        { type: 'containerRuntimeInterface', path: cri },
        { type: 'json', path: json, maxSize: 100_000n },
      ],
    });
    expect(await container.exit()).toBe(0);
    const expected = expectedLines(20_000);
    expect(contentOf(readRecords(cri, 'containerRuntimeInterface')).equals(expected)).toBe(true);
    expect(contentOf(logFiles(json).flatMap((file) => readRecords(file, 'json'))).equals(expected)).toBe(
      true,
    );
  });

  once('that makes no sense fails the create and leaves nothing', async ({ ground }) => {
    const server = await ground.server();
    const path = ground.logPath('twice');
    const create = (logDrivers: Parameters<typeof ground.create>[0]['logDrivers']): Promise<unknown> =>
      ground.create({ args: ['true'], logDrivers: logDrivers ?? [] });
    await failure(create([{ path }, { type: 'json', path }]), 'INVALID_ARGUMENT', /two of them write to/);
    await failure(create([{ type: 'journald' }, { type: 'journald' }]), 'INVALID_ARGUMENT', /two of them/);
    await failure(create([{ type: 'json', path: 'relative' }]), 'INVALID_ARGUMENT', /not an absolute path/);
    await failure(create([{ type: 'json' }]), 'INVALID_ARGUMENT', /not an absolute path/);
    await failure(
      create([{ path }, { type: 'json', path: ground.path('missing/log') }]),
      'LOG_UNAVAILABLE',
      /missing\/log/,
    );
    expect(existsSync(path)).toBe(false);
    await ground.expectNothingLeft(server.atStart);
  });
});
