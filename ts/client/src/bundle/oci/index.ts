/**
 * Types of `config.json`: the OCI runtime specification, versions 1.0 to 1.2, as far as it is about Linux.
 * Everything that a runtime reads there has its name here; what the specification says of each is in its
 * config.md and config-linux.md. Fields of other systems, and of extensions, pass through untouched.
 *
 * - `config.ts`: the file as a whole, root, mounts, hooks
 * - `process.ts`: the container's first process
 * - `linux.ts`: namespaces, devices, paths; `resources.ts`: limits; `seccomp.ts`: the filter of system calls
 */
export type { OciConfig, OciHook, OciHooks, OciIdMapping, OciMount, OciRoot } from './config.js';
export type {
  OciDevice,
  OciIntelRdt,
  OciLinux,
  OciNamespace,
  OciNamespaceType,
  OciPersonality,
  OciTimeOffset,
} from './linux.js';
export type {
  OciBox,
  OciCapabilities,
  OciExecCpuAffinity,
  OciIoPriority,
  OciProcess,
  OciRlimit,
  OciScheduler,
  OciUser,
} from './process.js';
export type {
  OciBlockIo,
  OciBlockIoThrottle,
  OciBlockIoWeight,
  OciCpu,
  OciDeviceRule,
  OciHugepageLimit,
  OciMemory,
  OciNetworkClass,
  OciPids,
  OciRdma,
  OciResources,
} from './resources.js';
export type { OciSeccomp, OciSeccompAction, OciSeccompArg, OciSeccompRule } from './seccomp.js';
