import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../support/paths.js';

/** Where the package is installed as its users get it: from its tarball, with nothing of the repository above. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'podherd-package-'));
  const modules = join(folder, 'node_modules');
  const client = join(modules, '@podherd/client');
  mkdirSync(client, { recursive: true });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, '--workspace', '@podherd/client'], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  execFileSync('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', client]);
  const { dependencies } = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies))
    symlinkSync(join(repository, 'node_modules', name), join(modules, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Uses every entry point; `$` in `entries` is what comes after the package's name. */
const script = (entries: string) => `
  const { Pod, PodherdError, Bundle } = ${entries.replace('$', '')};
  const { bindMount } = ${entries.replace('$', '/bundle')};
  const { FakePod } = ${entries.replace('$', '/testing')};
  await main();
  async function main() {
    const fake = new FakePod();
    if (!(fake instanceof Pod)) throw new Error('a fake is a Pod');
    const container = await fake.createContainer({ id: 'web', bundle: '/b' });
    await container.start();
    fake.exit('web', { exitCode: 3 });
    const { exitCode } = await container.wait();
    await fake.close();
    const failure = await Pod.connect({ runtimeDir: '/nowhere' }).catch((error) => error);
    console.log(exitCode, failure instanceof PodherdError, failure.code, typeof Bundle.open, bindMount('/a', '/b').source);
  }`;

describe('the package, as its users install it', () => {
  test('works from a plain ES module', () => {
    expect(node('plain.mjs', script("await import('@podherd/client$')"))).toBe(SAID);
  });

  test('works from CommonJS, by a dynamic import', () => {
    const source = script("await import('@podherd/client$')").replace('await main()', '');
    expect(node('plain.cjs', `(async () => {${source}; await main();})();`)).toBe(SAID);
  });

  test('has the source of everything that its maps name', () => {
    const client = join(folder, 'node_modules/@podherd/client');
    const maps = readdirSync(join(client, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.map'),
    );
    expect(maps.some((name) => name.endsWith('.d.ts.map'))).toBe(true);
    expect(maps.some((name) => name.endsWith('.js.map'))).toBe(true);
    for (const name of maps) {
      const path = join(client, 'dist', name);
      const { sources } = JSON.parse(readFileSync(path, 'utf8')) as { sources: string[] };
      for (const source of sources)
        expect(existsSync(resolve(dirname(path), source)), `${name}: ${source}`).toBe(true);
    }
  });
});

const SAID = '3 true CONNECTION_FAILED function /a\n';

/** What a script says that lives in a folder of its user's. */
function node(name: string, source: string): string {
  writeFileSync(join(folder, name), source);
  return execFileSync(process.execPath, [join(folder, name)], { cwd: folder, encoding: 'utf8' });
}
