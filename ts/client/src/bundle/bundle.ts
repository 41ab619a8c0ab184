import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PodherdError } from '../errors.js';
import { bundleConfig } from './config.js';
import { readConfig, writeConfig } from './file.js';
import type { OciConfig } from './oci/index.js';
import type { BundleOptions } from './options.js';

/**
 * A bundle: a directory with a `config.json`, which says what a container is. It is looked at when a container is
 * created; later changes are for later containers.
 *
 * @example
 * ```ts
 * const bundle = await Bundle.create({ path: '/run/bundles/web', rootfs: '/srv/web', args: ['httpd', '-f'] });
 * await pod.createContainer({ id: 'web', bundle: bundle.path });
 * ```
 */
export class Bundle {
  /** Its directory, absolute. */
  readonly path: string;
  #config: OciConfig;

  private constructor(path: string, config: OciConfig) {
    this.path = path;
    this.#config = config;
  }

  /**
   * Make a bundle. What the options leave open is as `runc spec` and podman have it: namespaces of its own, the usual
   * mounts, few capabilities, no new privileges, no devices, paths that reach the host masked. There is no
   * filter of system calls: set `config.linux.seccomp` for one.
   *
   * @throws PodherdError `INVALID_ARGUMENT`; `BUNDLE_INVALID` when there is a `config.json` already, or none can be
   *   written
   */
  static async create(options: BundleOptions): Promise<Bundle> {
    const path = resolve(options.path);
    const config = bundleConfig(options);
    try {
      await mkdir(path, { recursive: true });
    } catch (cause) {
      throw new PodherdError('BUNDLE_INVALID', `${path} can't be made: ${(cause as Error).message}`, {
        cause,
      });
    }
    await writeConfig(path, config, 'new');
    return new Bundle(path, config);
  }

  /**
   * Open a bundle that is there, made by whatever tool.
   *
   * @throws PodherdError `BUNDLE_INVALID` when it has no `config.json`, or none that is one
   */
  static async open(path: string): Promise<Bundle> {
    return new Bundle(resolve(path), await readConfig(path));
  }

  /** Its configuration. Changes are kept by `write`. */
  get config(): OciConfig {
    return this.#config;
  }

  /** Path of the root file system, absolute; undefined when the configuration names none. */
  get rootfs(): string | undefined {
    const path = this.#config.root?.path;
    return path === undefined ? undefined : resolve(this.path, path);
  }

  /**
   * Change the configuration, or give another one. Should `change` throw, all stays as it was. Nothing is written
   * before `write`.
   */
  edit(change: (config: OciConfig) => OciConfig | void): this {
    const copy = structuredClone(this.#config);
    this.#config = change(copy) ?? copy;
    return this;
  }

  /**
   * Write the configuration. Whoever reads it at the same time finds the old one or the new one.
   *
   * @throws PodherdError `BUNDLE_INVALID` when it can't be written
   */
  write(): Promise<void> {
    return writeConfig(this.path, this.#config, 'replace');
  }

  /**
   * Remove the directory with all that is in it, a root file system too. One elsewhere stays. May be called again.
   *
   * @throws PodherdError `BUNDLE_INVALID` when something is mounted there, which would be emptied with it
   */
  async remove(): Promise<void> {
    const mounted = await mountBelow(this.path);
    if (mounted !== undefined) {
      throw new PodherdError('BUNDLE_INVALID', `${mounted} is mounted: unmount it, or leave the bundle`);
    }
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A mount point at a path or below it. */
async function mountBelow(path: string): Promise<string | undefined> {
  let real: string;
  try {
    real = await realpath(path);
  } catch {
    return undefined; // There is nothing.
  }
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').map((line) => unescape(line.split(' ')[4] ?? ''));
  return points.find((point) => point === real || point.startsWith(join(real, '/')));
}

/** Names in mountinfo have blanks and the like as octal numbers (proc(5)). */
function unescape(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
