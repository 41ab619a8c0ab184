import { resolve } from 'node:path';
import type { OciMount } from './oci/index.js';

/** How something of the host appears in a container. */
export interface BindMountOptions {
  /** Default true. */
  readonly?: boolean | undefined;
  /** Take what is mounted below the source along. Default true. */
  recursive?: boolean | undefined;
  /** Further options as in mount(8), such as `rshared` in place of `rprivate`. */
  options?: readonly string[] | undefined;
}

/**
 * A mount that shows a file or directory of the host, read-only unless it is said otherwise.
 *
 * @param source on the host; relative: seen from this process's working directory
 * @param destination absolute path in the container
 */
export function bindMount(source: string, destination: string, options: BindMountOptions = {}): OciMount {
  const { readonly = true, recursive = true } = options;
  const propagation = options.options?.some((option) => /^r?(private|shared|slave|unbindable)$/.test(option));
  return {
    destination,
    // runc takes a mount for a bind by its options, older crun by its type.
    type: 'bind',
    source: resolve(source),
    options: [
      recursive ? 'rbind' : 'bind',
      ...(propagation === true ? [] : ['rprivate']),
      'nosuid',
      'nodev',
      readonly ? 'ro' : 'rw',
      ...(options.options ?? []),
    ],
  };
}

/** In what kind of container the default mounts have to work. */
export interface MountPlace {
  /** Without one of its own, the kernel lets nobody in a new user namespace mount sysfs. */
  ownNetwork: boolean;
  /** Whether it has a user namespace of its own. */
  ownUser: boolean;
  /** Whether group 5, that of terminals, exists in the container. */
  hasTtyGroup: boolean;
}

/** What every container has mounted: what `runc spec` and podman mount. */
export function defaultMounts({ ownNetwork, ownUser, hasTtyGroup }: MountPlace): OciMount[] {
  const closed = ['nosuid', 'noexec', 'nodev'];
  const sysfs: OciMount =
    ownUser && !ownNetwork
      ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'rprivate', ...closed, 'ro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...closed, 'ro'] };
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: closed },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        ...(hasTtyGroup ? ['gid=5'] : []),
      ],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...closed, 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: [...closed] },
    sysfs,
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...closed, 'relatime', 'ro'],
    },
  ];
}

/** The default mounts with others: one at the same destination takes the place of a default one. */
export function withMounts(defaults: readonly OciMount[], others: readonly OciMount[]): OciMount[] {
  const taken = new Set(others.map(({ destination }) => destination));
  return [...defaults.filter(({ destination }) => !taken.has(destination)), ...others];
}
