import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** What podctl is made of. */
export async function versions(): Promise<{ podctl: string; client: string; node: string }> {
  const require = createRequire(import.meta.url);
  return {
    podctl: await versionIn(new URL('../package.json', import.meta.url)),
    client: await versionIn(require.resolve('@podherd/client/package.json')),
    node: process.versions.node,
  };
}

async function versionIn(path: string | URL): Promise<string> {
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version;
}
