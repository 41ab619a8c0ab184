import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { failure } from '../../support/failure.js';
import {
  below,
  createNamespaces,
  expectAllGone,
  holderOf,
  type Kind,
  kinds,
  mountedAt,
  namespaceOf,
  newBase,
} from '../../support/namespaces.js';
import { descriptors, processEntry } from '../../support/processes.js';
import { output } from '../../support/run.js';
import { oursOnly, withoutRuntime } from '../../support/suite.js';
import { until } from '../../support/until.js';

/** A field of /proc/PID/status. */
function status(pid: number, name: string): string {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

withoutRuntime('the namespaces of a pod', (test) => {
  const sets: (readonly Kind[])[] = [[], ...kinds.map((kind) => [kind]), kinds];
  for (const set of sets) {
    test(`are new if they are asked for, else the server's: ${set.join(', ') || 'none'}`, async ({
      ground,
    }) => {
      const server = await ground.server();
      const base = newBase(ground);
      const paths = await createNamespaces(server.connection, {
        basePath: base,
        namespaces: set,
      });
      const mounted = mountedAt(paths);
      const holder = holderOf(base);
      for (const kind of kinds) {
        expect(paths[kind]).toBe(join(base, `${kind}ns`, 'pod'));
        const { mode, size } = statSync(paths[kind]);
        expect([kind, mode.toString(8), size]).toEqual([kind, '100444', 0]);
        expect(mounted[kind] !== namespaceOf(server.pid, kind), kind).toBe(set.includes(kind));
        expect(mounted[kind], kind).toBe(namespaceOf(holder, kind));
      }
      expect(status(holder, 'NSpid').split('\t').at(-1)).toBe(set.includes('pid') ? '1' : String(holder));
      await expectAllGone(server, base);
    });
  }

  test.skipIf(!oursOnly)('belong to the user namespace, whose ids are mapped', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const options = {
      basePath: base,
      uidMappings: ['0 100000 1000', '1000  5 1'],
      gidMappings: ['7 200000 9'],
    };
    const mounted = mountedAt(await createNamespaces(server.connection, options));
    const holder = holderOf(base);
    const map = (name: string): string[] =>
      readFileSync(`/proc/${holder}/${name}`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim().replace(/ +/g, ' '));
    expect(map('uid_map')).toEqual(['0 100000 1000', '1000 5 1']);
    expect(map('gid_map')).toEqual(['7 200000 9']);
    expect(readFileSync(`/proc/${holder}/setgroups`, 'utf8')).toBe('allow\n');
    const owners = await output('lsns', [
      '--noheadings',
      '--raw',
      '--output',
      'NS,ONS',
      '--task',
      String(holder),
    ]);
    const ownerOf = new Map(
      owners
        .trim()
        .split('\n')
        .map((line) => line.split(' ').map(Number) as [number, number]),
    );
    for (const kind of ['ipc', 'net', 'pid', 'uts'] as const)
      expect([kind, ownerOf.get(mounted[kind])]).toEqual([kind, mounted.user]);
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('are held by a process that has nothing and can do nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    for (const [podId, namespaces] of [
      ['with-user', kinds],
      ['without', ['pid', 'net']],
    ] as const) {
      await createNamespaces(server.connection, { podId, namespaces, basePath: base });
      const holder = holderOf(base, podId);
      await until('it sleeps', () => (processEntry(holder)?.state === 'S' ? true : undefined));
      expect(processEntry(holder)).toMatchObject({ parent: server.pid, name: 'podherd-pause' });
      const user = namespaces.length === 5 ? '100000\t100000\t100000\t100000' : '0\t0\t0\t0';
      expect(status(holder, 'Uid')).toBe(user);
      for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
        expect(status(holder, set)).toBe('0'.repeat(16));
      expect(status(holder, 'NoNewPrivs')).toBe('1');
      expect(readdirSync(`/proc/${holder}/root/`)).toEqual([]);
      expect(readFileSync(`/proc/${holder}/mountinfo`, 'utf8').trim().split('\n')).toHaveLength(1);
      expect(descriptors(holder)).toEqual(['pipe']);
      expect(status(holder, 'SigBlk')).toBe('0'.repeat(16));
      process.kill(holder, 'SIGTERM');
      process.kill(holder, 'SIGINT');
      process.kill(holder, 'SIGHUP');
    }
    await createNamespaces(server.connection, { podId: 'last', namespaces: [], basePath: base });
    for (const podId of ['with-user', 'without'])
      expect(processEntry(holderOf(base, podId))?.state).toBe('S');
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)(
    'are made once, however often and by how many they are asked for',
    async ({ ground }) => {
      const server = await ground.server();
      const base = newBase(ground);
      const other = await server.connect();
      const ask = (podId: string, n: number) =>
        createNamespaces(n % 2 === 0 ? server.connection : other, {
          podId,
          basePath: base,
          // Order and repetition say nothing.
          namespaces: n % 3 === 0 ? ['net', 'pid', 'net'] : ['pid', 'net'],
        });
      const pods = ['a', 'b', 'c'];
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, n) => ask(pods[n % 3] ?? '', Math.floor(n / 3))),
      );
      for (const [n, answer] of answers.entries()) expect(answer).toEqual(answers[n % 3]);
      await other.close();
      const before = pods.map((podId) => [holderOf(base, podId), mountedAt(answers[pods.indexOf(podId)]!)]);
      expect(new Set(before.map(([holder]) => holder)).size).toBe(3);
      for (const podId of pods) await ask(podId, 0);
      expect(pods.map((podId) => [holderOf(base, podId), mountedAt(answers[pods.indexOf(podId)]!)])).toEqual(
        before,
      );
      expect(await server.connection.reaperStatus()).toMatchObject({
        spawned: 3n,
        orphans: 0n,
        zombiesNow: 0,
      });
      await expectAllGone(server, base);
    },
  );

  test.skipIf(!oursOnly)('are not made otherwise while they exist', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const elsewhere = newBase(ground, 'elsewhere');
    const asked = { basePath: base, namespaces: ['user', 'net'] as const };
    const first = mountedAt(await createNamespaces(server.connection, asked));
    const before = server.snapshot();
    for (const change of [
      { namespaces: ['net'] },
      { namespaces: ['user', 'net', 'uts'] },
      { namespaces: [] },
      { uidMappings: ['0 100001 65536'] },
      { gidMappings: ['0 200000 65535'] },
      { basePath: elsewhere },
    ] as const)
      await failure(
        createNamespaces(server.connection, { ...asked, ...change }),
        'NAMESPACES_DIFFER',
        /pod has its/,
      );
    await ground.expectNothingLeft(before);
    expect(below(elsewhere)).toEqual([]);
    expect(mountedAt(await createNamespaces(server.connection, asked))).toEqual(first);
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('are below /var/run if the base path is empty', async ({ ground }) => {
    const server = await ground.server();
    const podId = ground.cgroup;
    const paths = await createNamespaces(server.connection, { podId, basePath: '', namespaces: ['uts'] });
    expect(paths.uts).toBe(`/var/run/utsns/${podId}`);
    expect(statSync(paths.uts).ino).toBe(namespaceOf(holderOf('/var/run', podId), 'uts'));
    expect(await server.stop()).toEqual([]);
    expect(below('/var/run/').filter((name) => name.includes(podId))).toEqual([]);
  });
});

withoutRuntime('namespaces', (test) => {
  test('are refused for what can be no pod, no path, no set and no map', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const asked = { basePath: base, namespaces: ['user'] as const };
    const refused = (change: object, code: 'INVALID_ARGUMENT' | 'INVALID_ID', message: RegExp) =>
      failure(createNamespaces(server.connection, { ...asked, ...change }), code, message);
    await refused({ podId: '' }, 'INVALID_ID', /pod/i);
    await refused({ uidMappings: [] }, 'INVALID_ARGUMENT', /mappings/i);
    await refused({ gidMappings: [] }, 'INVALID_ARGUMENT', /mappings/i);
    await refused({ uidMappings: ['0 0'] }, 'INVALID_ARGUMENT', /0 0/);
    if (!oursOnly) return;
    for (const podId of ['.', '..', '../pod', 'a/b', 'a b', 'p\0', 'p'.repeat(252)])
      await refused({ podId }, podId.includes('\0') ? 'INVALID_ARGUMENT' : 'INVALID_ID', /pod/i);
    await refused({ basePath: 'relative' }, 'INVALID_ARGUMENT', /basePath.*relative/);
    await refused({ basePath: '/a\0b' }, 'INVALID_ARGUMENT', /basePath/);
    for (const entry of ['x y z', '0 0 0', '0 0 1 1', '-1 0 1', '0 4294967295 1', '4294967296 0 1', ' '])
      await refused({ gidMappings: ['9 9 1', entry] }, 'INVALID_ARGUMENT', /gidMappings\[1\]/);
    await refused({ uidMappings: ['0 0 5', '4 9 1'] }, 'INVALID_ARGUMENT', /uidMappings\[1\].*overlaps/);
    const many = Array.from({ length: 341 }, (_, n) => `${n} ${n} 1`);
    await refused({ uidMappings: many }, 'INVALID_ARGUMENT', /at most 340/);
    await ground.expectNothingLeft();
    expect(below(base)).toEqual([]);
    // Long enough, and it fits.
    const podId = 'p'.repeat(251);
    await createNamespaces(server.connection, { ...asked, podId });
    await expectAllGone(server, base);
  });
});
