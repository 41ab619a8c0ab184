import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { failure } from '../../support/failure.js';
import {
  below,
  createNamespaces,
  expectAllGone,
  holderOf,
  kinds,
  mountedAt,
  namespaceMounts,
  namespaceOf,
  newBase,
} from '../../support/namespaces.js';
import { serverBinary } from '../../support/paths.js';
import { processEntry } from '../../support/processes.js';
import { run } from '../../support/run.js';
import { oursOnly, withoutRuntime } from '../../support/suite.js';
import { until } from '../../support/until.js';

withoutRuntime('the end of a server', (test) => {
  for (const signals of [['SIGTERM'], ['SIGINT'], ['SIGTERM', 'SIGTERM']] as const) {
    test(`by ${signals.join(' and ')} is the end of its namespaces`, async ({ ground }) => {
      const server = await ground.server();
      const base = newBase(ground);
      for (const podId of ['a', 'b']) await createNamespaces(server.connection, { podId, basePath: base });
      expect(namespaceMounts(server.pid, base)).toHaveLength(10);
      const holders = [holderOf(base, 'a'), holderOf(base, 'b')];
      for (const signal of signals) process.kill(server.pid, signal);
      await server.nursery.end(({ pid }) => pid === server.pid);
      expect(below(base)).toEqual([]);
      expect(namespaceMounts('self', base)).toEqual([]);
      for (const holder of holders)
        await until('the holder is gone', () => (processEntry(holder) === undefined ? true : undefined));
      await expectAllGone(server, base);
    });
  }

  test.skipIf(!oursOnly)(
    'by SIGKILL ends what is in them, and the next one removes the rest',
    async ({ ground }) => {
      const first = await ground.anotherServer('server');
      const base = newBase(ground);
      const outside = join(base, 'stays');
      await createNamespaces(first.connection, { basePath: base, podId: 'a', namespaces: ['pid', 'net'] });
      await createNamespaces(first.connection, { basePath: outside, podId: 'b', namespaces: [] });
      const holders = [holderOf(base, 'a'), holderOf(outside, 'b')];
      await first.kill();
      for (const holder of holders) {
        const end = await first.nursery.end(({ pid }) => pid === holder);
        expect([end.exitCode, end.signal]).toEqual([0, null]);
      }
      expect(namespaceMounts('self', base)).toHaveLength(10);

      const second = await ground.anotherServer('server');
      expect(below(base)).toEqual([]);
      expect(namespaceMounts('self', base)).toEqual([]);
      expect(second.log).toMatch(/namespaces of an earlier server are removed pod=a/);
      await createNamespaces(second.connection, { basePath: base, podId: 'a' });
      await expectAllGone(second, base);
    },
  );

  test.skipIf(!oursOnly)('by SIGKILL leaves the place to another server', async ({ ground }) => {
    const first = await ground.anotherServer('first');
    const base = newBase(ground);
    mountedAt(await createNamespaces(first.connection, { basePath: base, namespaces: ['net', 'uts'] }));
    await first.kill();

    const second = await ground.anotherServer('second');
    const paths = await createNamespaces(second.connection, { basePath: base, namespaces: ['net', 'pid'] });
    const mounted = mountedAt(paths);
    expect(mounted.net).toBe(namespaceOf(holderOf(base), 'net'));
    expect(mounted.uts).toBe(namespaceOf(second.pid, 'uts'));
    expect(namespaceMounts('self', base)).toHaveLength(5);

    // The first one's heir finds them taken over, and leaves them alone.
    const heir = await ground.anotherServer('first');
    expect(mountedAt(paths)).toEqual(mounted);
    expect(await heir.stop()).toEqual([]);
    expect(await second.stop()).toEqual([]);
    // The directories were made by a server that could not know when they would be empty.
    expect(below(base).filter((name) => name.includes('/'))).toEqual([]);
    expect(namespaceMounts('self', base)).toEqual([]);
  });
});

withoutRuntime('the namespaces of another server', (test) => {
  test.skipIf(!oursOnly)('are not touched while it lives', async ({ ground }) => {
    const first = await ground.anotherServer('first');
    const second = await ground.anotherServer('second');
    const base = newBase(ground);
    const mounted = mountedAt(await createNamespaces(first.connection, { basePath: base }));
    const holder = holderOf(base);
    await failure(
      createNamespaces(second.connection, { basePath: base }),
      'NAMESPACES_IN_USE',
      /conmonrs\/pod\.pid belongs to a server that lives/,
    );
    const paths = await createNamespaces(first.connection, { basePath: base });
    expect([mountedAt(paths), holderOf(base)]).toEqual([mounted, holder]);
    // Another pod of the second may stand beside it; the first one's end leaves it there.
    const other = await createNamespaces(second.connection, {
      basePath: base,
      podId: 'other',
      namespaces: ['uts'],
    });
    expect(await first.stop()).toEqual([]);
    expect(below(base)).toHaveLength(12);
    expect(mountedAt(other).uts).toBe(namespaceOf(holderOf(base, 'other'), 'uts'));
    expect(await second.stop()).toEqual([]);
    // The directories were the first one's, and not empty when it went.
    expect(below(base).filter((name) => name.includes('/'))).toEqual([]);
  });

  test.skipIf(!oursOnly)('are not touched while somebody holds them', async ({ ground }) => {
    const first = await ground.anotherServer('first');
    const base = newBase(ground);
    const paths = await createNamespaces(first.connection, { basePath: base, namespaces: ['net'] });
    const mounted = mountedAt(paths);
    await first.kill();
    // Another program than ours may have such a pid file, and may not lock it.
    const stranger = spawn('nsenter', [`--net=${paths.net}`, 'sleep', '60']);
    ground.onEnd(() => void stranger.kill());
    const pid = stranger.pid ?? 0;
    await until('it is inside', () => (namespaceOf(pid, 'net') === mounted.net ? true : undefined));
    writeFileSync(join(base, 'conmonrs/pod.pid'), String(pid));

    const second = await ground.anotherServer('second');
    const asked = { basePath: base, namespaces: ['net'] } as const;
    await failure(
      createNamespaces(second.connection, asked),
      'NAMESPACES_IN_USE',
      new RegExp(`process ${pid}`),
    );
    await failure(createNamespaces(second.connection, { ...asked, namespaces: [] }), 'NAMESPACES_IN_USE');
    expect([mountedAt(paths), holderOf(base)]).toEqual([mounted, pid]);

    const asking = createNamespaces(second.connection, asked);
    stranger.kill();
    await asking;
    expect(mountedAt(paths).net).toBe(namespaceOf(holderOf(base), 'net'));
    expect(processEntry(holderOf(base))?.parent).toBe(second.pid);
    // Its directory gets no other server.
    rmSync(join(ground.path('first'), 'namespaces'));
    expect(await second.stop()).toEqual([]);
    expect(below(base).filter((name) => name.includes('/'))).toEqual([]);
  });
});

withoutRuntime('the process that holds namespaces', (test) => {
  test.skipIf(!oursOnly)('is missed when it was killed', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const pidFile = join(base, 'conmonrs/pod.pid');
    const paths = await createNamespaces(server.connection, {
      basePath: base,
      namespaces: kinds,
    });
    const holder = holderOf(base);
    process.kill(holder, 'SIGKILL');
    await until('the pid is no longer told', () => (readFileSync(pidFile, 'utf8') === '' ? true : undefined));
    expect(server.log).toMatch(new RegExp(`NAMESPACES_FAILED.*pod=pod pid=${holder}.*signal: 9`));
    expect(await server.connection.reaperStatus()).toMatchObject({ orphans: 0n, zombiesNow: 0, watched: 0 });
    // A pid namespace without its init is none.
    expect(await createNamespaces(server.connection, { basePath: base, namespaces: kinds })).toEqual(paths);
    const after = mountedAt(paths);
    for (const kind of kinds) {
      expect(after[kind], kind).toBe(namespaceOf(holderOf(base), kind));
      expect(after[kind], kind).not.toBe(namespaceOf(server.pid, kind));
    }
    expect(namespaceMounts('self', base)).toHaveLength(5);
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('is ended when it can not end itself', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    await createNamespaces(server.connection, { basePath: base });
    const holder = holderOf(base);
    process.kill(holder, 'SIGSTOP');
    await until('it is stopped', () => (processEntry(holder)?.state === 'T' ? true : undefined));
    await expectAllGone(server, base);
    expect(server.nursery.ended.find(({ pid }) => pid === server.pid)?.exitCode).toBe(0);
  });

  test.skipIf(!oursOnly)('is nothing to start by hand', async () => {
    const byHand = (stdin: string) => run('sh', ['-c', `exec "$0" pause ${stdin}`, serverBinary]);
    const refused = await byHand('< /dev/null');
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringMatching(/the server itself runs this/)]);
    // What it does when its server has gone before it began.
    expect(await run('sh', ['-c', 'true | "$0" pause', serverBinary])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test.skipIf(!oursOnly)('is no loss to a pod without a pid namespace', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const asked = { basePath: base, namespaces: ['net', 'uts'] } as const;
    const paths = await createNamespaces(server.connection, asked);
    const before = mountedAt(paths);
    process.kill(holderOf(base), 'SIGKILL');
    await until('its end is known', () => (holderOf(base) === 0 ? true : undefined));
    await createNamespaces(server.connection, asked);
    expect(mountedAt(paths)).toEqual(before);
    await expectAllGone(server, base);
  });
});
