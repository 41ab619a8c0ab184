import type { OciIdMapping } from './config.js';
import type { OciResources } from './resources.js';
import type { OciSeccomp } from './seccomp.js';

/** What a configuration says of Linux (config-linux.md). */
export interface OciLinux {
  /** Namespaces that are made or joined; others are the runtime's own. Each kind once. */
  namespaces?: OciNamespace[] | undefined;
  /** User ids of a user namespace. */
  uidMappings?: OciIdMapping[] | undefined;
  /** Group ids of a user namespace. */
  gidMappings?: OciIdMapping[] | undefined;
  /** Clock offsets of a time namespace. Since 1.1. */
  timeOffsets?: Partial<Record<'monotonic' | 'boottime', OciTimeOffset>> | undefined;
  /** Devices that are made in /dev, beside the usual ones. */
  devices?: OciDevice[] | undefined;
  /** From the root of the cgroup file systems, or with systemd `SLICE:PREFIX:NAME`. */
  cgroupsPath?: string | undefined;
  /** Limits of the container's cgroup. */
  resources?: OciResources | undefined;
  /** Limits of cache and memory bandwidth. */
  intelRdt?: OciIntelRdt | undefined;
  /** Kernel parameters of the container's namespaces (sysctl(8)). */
  sysctl?: Record<string, string> | undefined;
  /** Filter of system calls. */
  seccomp?: OciSeccomp | undefined;
  /** Propagation of the root mount (mount_namespaces(7)). */
  rootfsPropagation?: 'shared' | 'slave' | 'private' | 'unbindable' | undefined;
  /** Paths that look empty in the container. */
  maskedPaths?: string[] | undefined;
  /** Paths that can't be written in the container. */
  readonlyPaths?: string[] | undefined;
  /** SELinux context of the mounts. */
  mountLabel?: string | undefined;
  /** Execution domain (personality(2)). */
  personality?: OciPersonality | undefined;
}

/** A kind of namespace (namespaces(7)). `time` since 1.1. */
export type OciNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

/** A namespace. */
export interface OciNamespace {
  /** Its kind. */
  type: OciNamespaceType;
  /** File of one that is joined; without it, one is made. */
  path?: string | undefined;
}

/** Offset of a clock (time_namespaces(7)). */
export interface OciTimeOffset {
  /** Seconds. */
  secs?: number | undefined;
  /** Nanoseconds beside them. */
  nanosecs?: number | undefined;
}

/** A device file (mknod(1)). */
export interface OciDevice {
  /** Character (`c`, `u`), block (`b`), or a FIFO (`p`). */
  type: 'c' | 'b' | 'u' | 'p';
  /** Absolute path in the container. */
  path: string;
  /** Major number; not of a FIFO. */
  major?: number | undefined;
  /** Minor number; not of a FIFO. */
  minor?: number | undefined;
  /** Its rights, as a number. */
  fileMode?: number | undefined;
  /** Owner in the container. */
  uid?: number | undefined;
  /** Group in the container. */
  gid?: number | undefined;
}

/** Cache and memory bandwidth (resctrl of the kernel). */
export interface OciIntelRdt {
  /** Name of the class; default: the container's id. */
  closID?: string | undefined;
  /** Lines of the schemata. Since 1.2. */
  schemata?: string[] | undefined;
  /** Schema of the L3 cache. */
  l3CacheSchema?: string | undefined;
  /** Schema of the memory bandwidth. */
  memBwSchema?: string | undefined;
  /** Count cache misses. Since 1.1. */
  enableCMT?: boolean | undefined;
  /** Count memory bandwidth. Since 1.1. */
  enableMBM?: boolean | undefined;
}

/** Execution domain (personality(2)). */
export interface OciPersonality {
  /** The domain. */
  domain: 'LINUX' | 'LINUX32';
  /** Flags; none are defined. */
  flags?: string[] | undefined;
}
