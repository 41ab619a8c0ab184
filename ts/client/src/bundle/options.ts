import type { OciIdMapping, OciMount, OciNamespaceType, OciUser } from './oci/index.js';

/** A namespace of its own, the host's, or the one at an absolute path. */
export type NamespaceChoice = 'new' | 'host' | `/${string}`;

/** What a bundle is made from. Relative paths of the host are seen from this process's working directory. */
export interface BundleOptions {
  /** The bundle's directory; it is made, its parents too. */
  path: string;
  /** The container's root file system. One inside of the bundle is named as seen from there, so that both can be moved. */
  rootfs: string;
  /** Program and arguments. */
  args: readonly string[];
  /** Its environment. PATH is the usual one, unless it is given; with `terminal`, TERM is `xterm`. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Working directory in the container. Default `/`. */
  cwd?: string | undefined;
  /** `UID`, `UID:GID` or all ids. Default root. Names are not looked up. */
  user?: string | number | OciUser | undefined;
  /** Give it a terminal; the container has to be created with `terminal` as well. Default false. */
  terminal?: boolean | undefined;
  /** Let it see its root file system read-only. Default false. */
  readonly?: boolean | undefined;
  /** Default: the bundle's name, as far as it can be one. Not set without a UTS namespace of its own. */
  hostname?: string | undefined;
  /** Added after the default ones; one at the same destination replaces it. See `bindMount`. */
  mounts?: readonly OciMount[] | undefined;
  /** Bytes of memory, page cache included. Default: no limit. */
  memoryBytes?: number | undefined;
  /** Processes and threads. Default 2,048, as podman has it; `Infinity`: no limit. */
  pidsLimit?: number | undefined;
  /** CPUs that it may keep busy, such as 1.5. Default: no limit. */
  cpus?: number | undefined;
  /** Names such as "CAP_NET_RAW" in place of the default ones; `[]`: none. */
  capabilities?: readonly string[] | undefined;
  /** Whether set-user-id programs give it nothing. Default true. */
  noNewPrivileges?: boolean | undefined;
  /**
   * Namespaces other than the default: its own pid, network, ipc, uts and mount namespaces, with cgroup version 2
   * its own cgroup namespace, and the host's user and time namespaces.
   */
  namespaces?: Readonly<Partial<Record<OciNamespaceType, NamespaceChoice>>> | undefined;
  /** User ids of a new user namespace. */
  uidMappings?: readonly OciIdMapping[] | undefined;
  /** Group ids of a new user namespace. */
  gidMappings?: readonly OciIdMapping[] | undefined;
  /** Its cgroup, from the root of the hierarchies. Default: the runtime's choice. */
  cgroupsPath?: string | undefined;
  /** Anything that other tools want to find with the container. */
  annotations?: Readonly<Record<string, string>> | undefined;
}
