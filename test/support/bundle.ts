import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ociVersion } from './runtimes.js';

/** What a test wants of a container. */
export interface BundleOptions {
  args: readonly string[];
  terminal?: boolean;
  env?: readonly string[];
  /** Where the container's cgroup is, from the root of the hierarchies. */
  cgroupsPath: string;
  rootfs: string;
  /** Files or directories of the host, by their path in the container's /data. */
  data?: Readonly<Record<string, string>>;
  /** Bytes of memory that it may use. */
  memory?: number;
  /** Other limits: the `linux.resources` of config.json. */
  resources?: Readonly<Record<string, unknown>>;
  /** Mounts after the usual ones. */
  mounts?: readonly object[];
  /** What else config.json gets, in place of what stands there. */
  override?: Readonly<Record<string, unknown>>;
}

const capabilities = ['CAP_KILL', 'CAP_AUDIT_WRITE', 'CAP_NET_BIND_SERVICE'];

/** Writes a bundle: its config.json, with a root file system that others use too. */
export function writeBundle(path: string, options: BundleOptions): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), JSON.stringify(bundleConfig(options)));
}

/** The config.json of a bundle. */
export function bundleConfig(options: BundleOptions): object {
  const data = Object.entries(options.data ?? {});
  return {
    ociVersion,
    process: {
      terminal: options.terminal ?? false,
      user: { uid: 0, gid: 0 },
      args: options.args,
      env: ['PATH=/bin', ...(options.env ?? [])],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: options.rootfs, readonly: true },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666'],
      },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=16m'] },
      ...(data.length === 0
        ? []
        : [{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] }]),
      ...data.map(([name, source]) => ({
        destination: `/data/${name}`,
        type: 'bind',
        source,
        options: ['bind'],
      })),
      ...(options.mounts ?? []),
    ],
    linux: {
      cgroupsPath: options.cgroupsPath,
      resources: {
        ...(options.memory === undefined ? {} : { memory: { limit: options.memory } }),
        ...options.resources,
      },
      namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }],
    },
    ...options.override,
  };
}
