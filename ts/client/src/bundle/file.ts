import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PodherdError } from '../errors.js';
import type { OciConfig } from './oci/index.js';

/** Name of the configuration in a bundle. */
export const CONFIG_NAME = 'config.json';

/**
 * Read the configuration of the bundle at `path`.
 *
 * @throws PodherdError `BUNDLE_INVALID` when it is missing, or no configuration
 */
export async function readConfig(path: string): Promise<OciConfig> {
  const file = join(path, CONFIG_NAME);
  let config: unknown;
  try {
    config = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new PodherdError('BUNDLE_INVALID', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
  if (isConfig(config)) return config;
  throw new PodherdError(
    'BUNDLE_INVALID',
    `${file} is no OCI configuration: it is no object with an ociVersion`,
  );
}

/**
 * Write the configuration. It appears whole or not at all.
 *
 * @param how whether a configuration that is there is replaced, or an error
 * @throws PodherdError `BUNDLE_INVALID`
 */
export async function writeConfig(path: string, config: OciConfig, how: 'new' | 'replace'): Promise<void> {
  const file = join(path, CONFIG_NAME);
  const temporary = join(path, `.${CONFIG_NAME}.${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(temporary, `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx' });
    // link(2) fails where the file exists, which rename(2) would replace.
    if (how === 'new') await link(temporary, file);
    else await rename(temporary, file);
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const why = exists ? 'exists already: open that bundle' : `can't be written: ${(cause as Error).message}`;
    throw new PodherdError('BUNDLE_INVALID', `${file} ${why}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

function isConfig(value: unknown): value is OciConfig {
  return (
    typeof value === 'object' &&
    value !== null &&
    'ociVersion' in value &&
    typeof value.ociVersion === 'string'
  );
}
