import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { PodherdError } from '../../../ts/client/src/errors.js';
import { PidsLimit } from '../../support/cgroups.js';
import { failure } from '../../support/failure.js';
import {
  below,
  createNamespaces,
  expectAllGone,
  kinds,
  namespaceMounts,
  newBase,
} from '../../support/namespaces.js';
import { descriptors } from '../../support/processes.js';
import { output, run } from '../../support/run.js';
import { oursOnly, withoutRuntime } from '../../support/suite.js';
import { within } from '../../support/until.js';

const files = [...kinds.map((kind) => `${kind}ns/pod`), 'conmonrs/pod.pid'];

/** What can be in the way, made at a path; and what the path must still be afterwards. */
const obstacles = {
  'a directory': (path: string) => mkdirSync(path),
  "somebody's file": (path: string) => writeFileSync(path, "somebody's"),
  'a link': (path: string) => symlinkSync('/etc/hostname', path),
} as const;

withoutRuntime('namespaces that can not be made', (test) => {
  for (const [what, put] of Object.entries(obstacles)) {
    test.skipIf(!oursOnly)(`because of ${what} in the way leave it, and nothing else`, async ({ ground }) => {
      const server = await ground.server();
      const base = newBase(ground);
      const asked = { basePath: base };
      for (const file of files) {
        // What a pid file has in it is no matter, if it is not locked.
        if (file.endsWith('.pid') && what.endsWith('file')) continue;
        const path = join(base, file);
        mkdirSync(dirname(path));
        put(path);
        const before = await output('ls', ['-lRi', base]);
        await failure(createNamespaces(server.connection, asked), 'NAMESPACES_IN_USE', new RegExp(path));
        await ground.expectNothingLeft();
        expect(await output('ls', ['-lRi', base])).toBe(before);
        rmSync(dirname(path), { recursive: true });
      }
      expect(readFileSync('/etc/hostname', 'utf8')).not.toBe('');
      await createNamespaces(server.connection, asked);
      await expectAllGone(server, base);
    });
  }

  test.skipIf(!oursOnly)('because a directory is a file leave nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    for (const file of files) {
      const folder = dirname(join(base, file));
      writeFileSync(folder, '');
      const failed = await failure(
        createNamespaces(server.connection, { basePath: base }),
        'NAMESPACES_FAILED',
      );
      expect(failed.message).toContain(folder);
      await ground.expectNothingLeft();
      expect(below(base)).toEqual([dirname(file)]);
      rmSync(folder);
    }
    await createNamespaces(server.connection, { basePath: base });
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)(
    'because of a namespace that somebody else has there leave it',
    async ({ ground }) => {
      const server = await ground.server();
      const base = newBase(ground);
      mkdirSync(join(base, 'netns'));
      const path = join(base, 'netns/pod');
      writeFileSync(path, '');
      await output('mount', ['--bind', '/proc/self/ns/net', path]);
      ground.onEnd(async () => void (await run('umount', ['--lazy', path])));
      await failure(
        createNamespaces(server.connection, { basePath: base }),
        'NAMESPACES_IN_USE',
        /netns\/pod/,
      );
      expect(namespaceMounts('self', base)).toHaveLength(1);
      expect(below(base)).toEqual(['netns', 'netns/pod']);
      await output('umount', [path]);
      rmSync(path);
      await createNamespaces(server.connection, { basePath: base });
      await server.stop();
      expect(below(base)).toEqual(['netns']);
    },
  );

  test.skipIf(!oursOnly)('because the base is read-only leave nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = await ground.tmpfs('base', '64k');
    const before = server.snapshot();
    await output('mount', ['-o', 'remount,ro', base]);
    await failure(
      createNamespaces(server.connection, { basePath: base }),
      'NAMESPACES_FAILED',
      /[Rr]ead-only/,
    );
    await failure(
      createNamespaces(server.connection, { basePath: join(base, 'a/b') }),
      'NAMESPACES_FAILED',
      new RegExp(join(base, 'a')),
    );
    await ground.expectNothingLeft(before);
    await output('mount', ['-o', 'remount,rw', base]);
    await createNamespaces(server.connection, { basePath: join(base, 'a/b') });
    expect(await server.stop()).toEqual([]);
    expect(below(base)).toEqual([]);
    await output('umount', [base]);
  });

  test.skipIf(!oursOnly)(
    'because the record of them can not be written are not begun',
    async ({ ground }) => {
      const small = await ground.tmpfs('small', '64k');
      const server = await ground.anotherServer('small/server');
      const base = newBase(ground);
      expect(() => writeFileSync(join(small, 'filler'), Buffer.alloc(65_536))).toThrow(/ENOSPC/);
      await failure(
        createNamespaces(server.connection, { basePath: base }),
        'RUNTIME_DIR_UNUSABLE',
        /record/,
      );
      expect(below(base)).toEqual([]);
      rmSync(join(small, 'filler'));
      await createNamespaces(server.connection, { basePath: base });
      expect(await server.stop()).toEqual([]);
      expect(below(base)).toEqual([]);
      await output('umount', [small]);
    },
  );

  test.skipIf(!oursOnly)('for want of descriptors at any step leave nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const asked = { basePath: base };
    const open = descriptors(server.pid).length;
    const limit = (soft: number): Promise<string> =>
      output('prlimit', ['--pid', String(server.pid), `--nofile=${soft}:`]);
    const codes: unknown[] = [];
    for (let room = 0; (room < 24 && codes.at(-1) !== undefined) || room === 0; room++) {
      await limit(open + room);
      const asking = createNamespaces(server.connection, asked).catch((error: unknown) => error);
      const made = await within('the call', asking);
      codes.push(made instanceof PodherdError ? made.code : undefined);
      if (!(made instanceof PodherdError)) break;
      await ground.expectNothingLeft();
      expect(below(base)).toEqual([]);
    }
    expect(codes.length).toBeGreaterThan(8);
    expect(new Set(codes)).toEqual(new Set(['RESOURCES_EXHAUSTED', undefined]));
    await limit(1_024);
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('for want of a process leave nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const limited = new PidsLimit(`${ground.cgroup}-server`);
    limited.add(server.pid);
    ground.onEnd(() => limited.remove());
    limited.set(limited.current());
    await failure(createNamespaces(server.connection, { basePath: base }), 'RESOURCES_EXHAUSTED', /holds/);
    await ground.expectNothingLeft();
    expect(below(base)).toEqual([]);
    limited.set('max');
    await createNamespaces(server.connection, { basePath: base });
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('because the caller has gone leave nothing', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    let undone = 0;
    for (let round = 0; round < 40; round++) {
      const caller = await server.connect();
      const asking = createNamespaces(caller, { podId: `p${round}`, basePath: base }).then(
        () => 'made',
        () => 'gone',
      );
      await sleep(round % 10);
      await caller.close();
      if ((await asking) === 'gone') undone += 1;
    }
    expect(undone).toBeGreaterThan(0);
    // Those that were made stay; of the others there is nothing.
    await createNamespaces(server.connection, { podId: 'last', basePath: base, namespaces: [] });
    await within('the last call', server.connection.reaperStatus());
    const pods = new Set(below(join(base, 'conmonrs')).map((name) => name.replace('.pid', '')));
    for (const kind of kinds) expect(new Set(below(join(base, `${kind}ns`)))).toEqual(pods);
    expect(namespaceMounts('self', base)).toHaveLength(5 * pods.size);
    await expectAllGone(server, base);
  });
});
