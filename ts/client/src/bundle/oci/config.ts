import type { OciLinux } from './linux.js';
import type { OciProcess } from './process.js';

/** A bundle's `config.json` (config.md). Further fields are kept as they are. */
export interface OciConfig {
  /** Version of the specification, such as "1.0.2". */
  ociVersion: string;
  /** The root file system. */
  root?: OciRoot | undefined;
  /** Mounted in this order, before the root is entered. */
  mounts?: OciMount[] | undefined;
  /** The container's first process; `start` needs it. */
  process?: OciProcess | undefined;
  /** Needs a UTS namespace. */
  hostname?: string | undefined;
  /** NIS domain name; needs a UTS namespace. Since 1.1. */
  domainname?: string | undefined;
  /** Programs that the runtime runs at steps of a container's life. */
  hooks?: OciHooks | undefined;
  /** Anything that other tools want to find with the container. */
  annotations?: Record<string, string> | undefined;
  /** What only Linux has. */
  linux?: OciLinux | undefined;
  /** Fields of other systems and of extensions. */
  [extension: string]: unknown;
}

/** The container's root file system (config.md, Root). */
export interface OciRoot {
  /** Absolute, or seen from the bundle. */
  path: string;
  /** Whether the container sees it read-only. Default false. */
  readonly?: boolean | undefined;
}

/** A mount (config.md, Mounts; mount(8) for types and options). */
export interface OciMount {
  /** Absolute path in the container. */
  destination: string;
  /** File system type. Left out for a bind mount, which the options say. */
  type?: string | undefined;
  /** Device, name, or for a bind mount a path of the host: absolute, or seen from the bundle. */
  source?: string | undefined;
  /** Options as in fstab(5), `bind`, `rbind` and propagation among them. */
  options?: string[] | undefined;
  /** User ids of an id-mapped mount (mount_setattr(2)). Since 1.1. */
  uidMappings?: OciIdMapping[] | undefined;
  /** Group ids of the same. Since 1.1. */
  gidMappings?: OciIdMapping[] | undefined;
}

/** A range of ids (user_namespaces(7)). */
export interface OciIdMapping {
  /** First id in the container. */
  containerID: number;
  /** First id on the host. */
  hostID: number;
  /** How many. */
  size: number;
}

/** Programs at steps of a container's life (config.md, POSIX-platform Hooks). */
export interface OciHooks {
  /** Before pivot_root, after the namespaces were made. Deprecated by the specification. */
  prestart?: OciHook[] | undefined;
  /** During `create`, in the runtime's namespaces. */
  createRuntime?: OciHook[] | undefined;
  /** During `create`, in the container's namespaces. */
  createContainer?: OciHook[] | undefined;
  /** In the container's namespaces, before its process is executed. */
  startContainer?: OciHook[] | undefined;
  /** After the process was started. */
  poststart?: OciHook[] | undefined;
  /** After the container was deleted. */
  poststop?: OciHook[] | undefined;
}

/** A program that the runtime runs; it gets the container's state as standard input. */
export interface OciHook {
  /** Absolute path. */
  path: string;
  /** Arguments, the program's name as the first. */
  args?: string[] | undefined;
  /** `KEY=value`. */
  env?: string[] | undefined;
  /** Seconds after which it is given up. */
  timeout?: number | undefined;
}
