import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { repository, serverBinary } from '../support/paths.js';
import { forEachRuntime } from '../support/suite.js';
import { finished, runScript } from './build-client.js';
import { remains, startOptions } from './pod.js';

forEachRuntime('the README of the client', (test) => {
  test('has an example that runs', async ({ ground }) => {
    const readme = readFileSync(join(repository, 'ts/client/README.md'), 'utf8');
    const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
    expect(example).toContain('Pod.start');
    const bundle = ground.bundle('web', {
      args: ['sh', '-c', 'sleep 1; exit 3'],
      data: { hostname: '/etc/hostname' },
    });
    const script = [
      ['/usr/sbin/runc', ground.runtime.path],
      ['/run/my-pod', ground.path('run')],
      ['/var/lib/bundles/web', bundle],
      ['/var/log/web.log', ground.path('web.log')],
      ['/etc/hostname', '/data/hostname'],
      ["runtimeDir: '", `runtimeRoot: '${ground.runtimeRoot}', runtimeDir: '`],
    ].reduce((text, [from, to]) => {
      expect(text).toContain(from);
      return text.replace(from!, to!);
    }, example);
    const { code, stdout, stderr } = await finished(
      runScript(ground.path('script'), 'example', script, { PODHERD_SERVER: serverBinary }),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`0 ${readFileSync('/etc/hostname', 'utf8')}\n3 null false\n`);
    expect(remains(ground, [])).toEqual([]);
  });

  test('has an example of streams that runs', async ({ ground }) => {
    const readme = readFileSync(join(repository, 'ts/client/README.md'), 'utf8');
    const example = /```ts\n([^`]*\.attach\([^]*?)```/.exec(readme)?.[1] ?? '';
    const place = '/var/lib/bundles/filter';
    expect(example).toContain(place);
    const script = `import { Pod } from '@podherd/client';
      await using pod = await Pod.start(JSON.parse(process.env.OPTIONS));
      ${example.replace(place, ground.bundle('filter', { args: ['cat'] }))}`;
    const { code, stdout, stderr } = await finished(
      runScript(ground.path('script'), 'streams', script, { OPTIONS: JSON.stringify(startOptions(ground)) }),
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'some words\n', stderr: '' });
    expect(remains(ground, [])).toEqual([]);
  });

  test("has examples of a command's streams, of events and of logs that run", async ({ ground }) => {
    const readme = readFileSync(join(repository, 'ts/client/README.md'), 'utf8');
    const example = (word: string): string => {
      const found = [...readme.matchAll(/```ts\n([^`]*?)```/g)].find(([, text = '']) => text.includes(word));
      expect(found, word).toBeDefined();
      return found![1]!;
    };
    const script = `import { Pod } from '@podherd/client';
      await using pod = await Pod.start(JSON.parse(process.env.OPTIONS));
      const bundle = process.env.BUNDLE;
      const log = { path: process.env.LOG };
      const container = await pod.createContainer({ id: 'web', bundle, log });
      await container.start();
      { ${example('.spawn(')} }
      setTimeout(() => container.kill('SIGKILL'), 500);
      const logged = (async () => { ${example('.logs(')} })();
      // The stream of events ends with its pod.
      void container.wait().then(() => logged).then(() => pod.close());
      ${example('.events(')}`;
    const { code, stdout, stderr } = await finished(
      runScript(ground.path('script'), 'more', script, {
        OPTIONS: JSON.stringify(startOptions(ground)),
        BUNDLE: ground.bundle('web', { args: ['sh', '-c', 'echo logged; sleep 1000'] }),
        LOG: ground.path('web.log'),
      }),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('a\nb\n0\nlogged\nweb null SIGKILL\n');
    expect(remains(ground, [])).toEqual([]);
  });
});
