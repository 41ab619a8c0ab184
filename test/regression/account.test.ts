import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { hierarchies, removeCgroups } from '../support/cgroups.js';
import { findLeftovers, takeSnapshot, type Watched } from '../support/leftovers.js';
import { Nursery } from '../support/nursery.js';
import { fixture } from '../support/paths.js';
import { descendants } from '../support/processes.js';
import { output } from '../support/run.js';
import { until } from '../support/until.js';

/** Something in a server's place that leaves what `script` leaves once the gate is opened. */
async function leave(
  script: string,
  body: (watched: Watched, open: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'podherd-test-'));
  const cgroup = `podherd-test-account-${process.pid}`;
  const gate = join(folder, 'gate');
  await output('mkfifo', [gate]);
  const paths = {
    runtimeDir: join(folder, 'run'),
    runtimeRoot: join(folder, 'root'),
    temporary: join(folder, 'tmp'),
  };
  for (const path of Object.values(paths)) mkdirSync(path);
  const environment = { PATH: '/usr/bin:/bin', WORKLOAD: fixture('workload') };
  const nursery = new Nursery(
    ['/bin/sh', '-c', `read go < ${gate}\n${script}\nexec sleep 1000`],
    openSync('/dev/null', 'w'),
    environment,
  );
  try {
    const [server] = await until('the shell runs', () => {
      const found = descendants(nursery.pid);
      return found.length > 0 ? found : undefined;
    });
    const watched = { folder, cgroup, ...paths, nursery: nursery.pid, server: server?.pid ?? 0 };
    await body(watched, async () => void (await output('sh', ['-c', `echo > ${gate}`])));
  } finally {
    await nursery.clear();
    removeCgroups(cgroup);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The kinds of what is left in the end. */
async function kinds(watched: Watched, before: ReturnType<typeof takeSnapshot>): Promise<string[]> {
  return (await findLeftovers(watched, before, 300)).map(({ kind }) => kind).sort();
}

test.each([
  ['a zombie', '$WORKLOAD exit 0 &', ['zombie']],
  ['a process', '$WORKLOAD pause &', ['process']],
  ['an adopted process', '$WORKLOAD orphan forever quiet', ['process']],
  ['a descriptor', 'exec 7</etc/passwd', ['descriptor']],
])('the account tells %s', async (_what, script, expected) => {
  await leave(script, async (watched, open) => {
    const before = takeSnapshot(watched);
    expect(await kinds(watched, before)).toEqual([]);
    await open();
    await until(
      'it is left',
      () => takeSnapshot(watched).some(({ kind }) => kind === expected[0]) || undefined,
    );
    expect(await kinds(watched, before)).toEqual(expected);
  });
});

test('the account tells files, containers, cgroups and mounts', async () => {
  await leave('true', async (watched) => {
    const before = takeSnapshot(watched);
    const mount = join(watched.folder, 'mount');
    for (const path of [
      join(watched.runtimeRoot, 'web'),
      join(hierarchies()[0] ?? '', watched.cgroup, 'web'),
      mount,
    ]) {
      mkdirSync(path, { recursive: true });
    }
    writeFileSync(join(watched.runtimeDir, 'web.pid'), '');
    writeFileSync(join(watched.temporary, 'x'), '');
    await output('mount', ['-t', 'tmpfs', 'podherd-test', mount]);
    try {
      expect(await kinds(watched, before)).toEqual([
        'cgroup',
        'container of the runtime',
        'file in the runtime directory',
        'mount',
        'temporary file',
      ]);
    } finally {
      await output('umount', [mount]);
    }
  });
});
