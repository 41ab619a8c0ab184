import { statfsSync } from 'node:fs';
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { PodherdError } from '../errors.js';
import {
  CAPABILITIES,
  CPU_PERIOD_MICROS,
  MASKED_PATHS,
  OCI_VERSION,
  PATH,
  PIDS_LIMIT,
  READONLY_PATHS,
} from './defaults.js';
import { defaultMounts, withMounts } from './mounts.js';
import type {
  OciCapabilities,
  OciConfig,
  OciIdMapping,
  OciNamespace,
  OciNamespaceType,
  OciResources,
  OciUser,
} from './oci/index.js';
import type { BundleOptions, NamespaceChoice } from './options.js';

/** Type of cgroup2 in statfs(2). */
const CGROUP2_SUPER_MAGIC = 0x63677270;

type Choices = Readonly<Partial<Record<OciNamespaceType, NamespaceChoice>>>;

/**
 * The configuration that `Bundle.create` writes for these options.
 *
 * @throws PodherdError `INVALID_ARGUMENT` for what can't be one
 */
export function bundleConfig(options: BundleOptions): OciConfig {
  if (options.args.length === 0) throw invalid('args names no program');
  const namespaces: Choices = { ...defaultNamespaces(), ...options.namespaces };
  const user = ociUser(options.user ?? 0);
  const ownUser = isOwn(namespaces.user);
  const place = {
    ownUser,
    ownNetwork: isOwn(namespaces.network),
    hasTtyGroup: namespaces.user !== 'new' || (options.gidMappings ?? []).some((range) => contains(range, 5)),
  };
  const hostname = options.hostname ?? hostnameFrom(options.path);
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: options.terminal ?? false,
      user,
      args: [...options.args],
      env: environment(options),
      cwd: absolute('cwd', options.cwd ?? '/'),
      capabilities: capabilities(options.capabilities ?? CAPABILITIES, user),
      noNewPrivileges: options.noNewPrivileges ?? true,
    },
    root: { path: rootPath(options), readonly: options.readonly ?? false },
    ...(isOwn(namespaces.uts) ? { hostname } : {}),
    mounts: withMounts(defaultMounts(place), options.mounts ?? []),
    ...(options.annotations === undefined ? {} : { annotations: { ...options.annotations } }),
    linux: {
      namespaces: namespaceList(namespaces),
      ...(options.uidMappings === undefined ? {} : { uidMappings: [...options.uidMappings] }),
      ...(options.gidMappings === undefined ? {} : { gidMappings: [...options.gidMappings] }),
      ...(options.cgroupsPath === undefined ? {} : { cgroupsPath: options.cgroupsPath }),
      resources: resources(options),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
}

/** `runc spec` adds a cgroup namespace where cgroup version 2 is alone: without it, the host's tree shows. */
function defaultNamespaces(): Choices {
  const version2 = statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC;
  return {
    pid: 'new',
    network: 'new',
    ipc: 'new',
    uts: 'new',
    mount: 'new',
    ...(version2 ? { cgroup: 'new' as const } : {}),
  };
}

function isOwn(choice: NamespaceChoice | undefined): boolean {
  return choice !== undefined && choice !== 'host';
}

function namespaceList(choices: Choices): OciNamespace[] {
  return Object.entries(choices)
    .filter(([, choice]) => isOwn(choice))
    .map(([name, choice]) => {
      const type = name as OciNamespaceType;
      return choice === 'new' ? { type } : { type, path: absolute(`namespaces.${name}`, choice) };
    });
}

function environment({ env = {}, terminal = false }: BundleOptions): string[] {
  const all = { PATH, ...(terminal ? { TERM: 'xterm' } : {}), ...env };
  return Object.entries(all).map(([key, value]) => {
    if (key === '' || key.includes('='))
      throw invalid(`env has a name that none can be: ${JSON.stringify(key)}`);
    return `${key}=${value}`;
  });
}

/**
 * Ambient and inheritable sets stay empty: programs without file capabilities would keep them through execve(2).
 * Who isn't root gets none at once, and can have those of the bounding set by set-user-id programs alone.
 */
function capabilities(names: readonly string[], { uid }: OciUser): OciCapabilities {
  const own = uid === 0 ? [...names] : [];
  return { bounding: [...names], effective: own, permitted: [...own] };
}

/** Devices are refused but for those that the runtimes allow on their own: null, zero, random, tty and the like. */
function resources({ memoryBytes, pidsLimit = PIDS_LIMIT, cpus }: BundleOptions): OciResources {
  return {
    devices: [{ allow: false, access: 'rwm' }],
    ...(memoryBytes === undefined ? {} : { memory: { limit: positive('memoryBytes', memoryBytes) } }),
    ...(pidsLimit === Infinity ? {} : { pids: { limit: positive('pidsLimit', pidsLimit) } }),
    ...(cpus === undefined ? {} : { cpu: { quota: quota(cpus), period: CPU_PERIOD_MICROS } }),
  };
}

/** The kernel takes no quota below a millisecond. */
function quota(cpus: number): number {
  const micros = Math.round(cpus * CPU_PERIOD_MICROS);
  if (Number.isSafeInteger(micros) && micros >= 1_000) return micros;
  throw invalid(`cpus is a number from 0.01 on, found ${cpus}`);
}

function ociUser(user: string | number | OciUser): OciUser {
  if (typeof user === 'object') return { ...user };
  const [, uid, gid = '0'] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(String(user)) ?? [];
  if (uid === undefined) throw invalid(`user is UID or UID:GID, found ${JSON.stringify(user)}`);
  return { uid: Number(uid), gid: Number(gid) };
}

/** Bundles can be moved together with a root file system inside of them. */
function rootPath({ path, rootfs }: BundleOptions): string {
  const inside = relative(resolve(path), resolve(rootfs));
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? resolve(rootfs) : inside;
}

/** The bundle's name, without what sethostname(2) and resolvers don't take. */
function hostnameFrom(path: string): string {
  const name = basename(resolve(path)).replaceAll(/[^A-Za-z0-9-]+/g, '-');
  return name.slice(0, 63).replaceAll(/^-+|-+$/g, '') || 'container';
}

function contains({ containerID, size }: OciIdMapping, id: number): boolean {
  return id >= containerID && id < containerID + size;
}

function absolute(what: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw invalid(`${what} is an absolute path, found ${JSON.stringify(path)}`);
}

function positive(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(`${what} is a whole number above zero, found ${value}`);
}

function invalid(message: string): PodherdError {
  return new PodherdError('INVALID_ARGUMENT', message);
}
