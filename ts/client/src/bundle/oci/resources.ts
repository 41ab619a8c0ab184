/**
 * Limits of a container's cgroup (config-linux.md, Control groups). The fields have the names of cgroup
 * version 1; runtimes translate them for version 2.
 */
export interface OciResources {
  /** Memory. */
  memory?: OciMemory | undefined;
  /** Processor time. */
  cpu?: OciCpu | undefined;
  /** Number of processes and threads. */
  pids?: OciPids | undefined;
  /** Block devices. */
  blockIO?: OciBlockIo | undefined;
  /** Access to devices; later rules win. */
  devices?: OciDeviceRule[] | undefined;
  /** Huge pages. */
  hugepageLimits?: OciHugepageLimit[] | undefined;
  /** Marks of network traffic; version 1 only. */
  network?: OciNetworkClass | undefined;
  /** RDMA resources, by device. */
  rdma?: Record<string, OciRdma> | undefined;
  /** Files of cgroup version 2, by name, as they are written. Since 1.1. */
  unified?: Record<string, string> | undefined;
}

/** Memory, in bytes; -1: no limit. */
export interface OciMemory {
  /** Memory that can be used. */
  limit?: number | undefined;
  /** Soft limit. */
  reservation?: number | undefined;
  /** Memory and swap together. */
  swap?: number | undefined;
  /** Memory of the kernel; obsolete. */
  kernel?: number | undefined;
  /** TCP buffers; obsolete. */
  kernelTCP?: number | undefined;
  /** 0 to 100, how readily pages are swapped out; version 1 only. */
  swappiness?: number | undefined;
  /** Pause instead of killing when memory is short; version 1 only. */
  disableOOMKiller?: boolean | undefined;
  /** Count memory of the cgroups below as well; version 1 only. */
  useHierarchy?: boolean | undefined;
  /** Refuse a lower limit than what is in use. Since 1.1. */
  checkBeforeUpdate?: boolean | undefined;
}

/** Processor time. */
export interface OciCpu {
  /** Share against neighbours; 1024 is the kernel's default. */
  shares?: number | undefined;
  /** Microseconds of each period; -1: no limit. */
  quota?: number | undefined;
  /** Microseconds beyond the quota that were saved up before. Since 1.1. */
  burst?: number | undefined;
  /** Microseconds. */
  period?: number | undefined;
  /** Microseconds of real-time scheduling in each period; version 1 only. */
  realtimeRuntime?: number | undefined;
  /** Microseconds; version 1 only. */
  realtimePeriod?: number | undefined;
  /** CPUs, such as "0-3,7". */
  cpus?: string | undefined;
  /** Memory nodes, such as "0". */
  mems?: string | undefined;
  /** 1: scheduled as idle. Since 1.1. */
  idle?: number | undefined;
}

/** Number of processes and threads. */
export interface OciPids {
  /** -1, and with many runtimes 0: no limit. */
  limit: number;
}

/** Block devices. */
export interface OciBlockIo {
  /** 10 to 1000, share against neighbours. */
  weight?: number | undefined;
  /** The same for its own processes against the cgroups below; version 1 only. */
  leafWeight?: number | undefined;
  /** Shares by device. */
  weightDevice?: OciBlockIoWeight[] | undefined;
  /** Bytes a second. */
  throttleReadBpsDevice?: OciBlockIoThrottle[] | undefined;
  /** Bytes a second. */
  throttleWriteBpsDevice?: OciBlockIoThrottle[] | undefined;
  /** Operations a second. */
  throttleReadIOPSDevice?: OciBlockIoThrottle[] | undefined;
  /** Operations a second. */
  throttleWriteIOPSDevice?: OciBlockIoThrottle[] | undefined;
}

/** The share of one device. */
export interface OciBlockIoWeight {
  /** Of the device. */
  major: number;
  /** Of the device. */
  minor: number;
  /** 10 to 1000. */
  weight?: number | undefined;
  /** 10 to 1000; version 1 only. */
  leafWeight?: number | undefined;
}

/** A bound for one device. */
export interface OciBlockIoThrottle {
  /** Of the device. */
  major: number;
  /** Of the device. */
  minor: number;
  /** Bytes or operations a second. */
  rate: number;
}

/** Access to devices. */
export interface OciDeviceRule {
  /** Whether it is allowed. */
  allow: boolean;
  /** All (`a`, default), character or block devices. */
  type?: 'a' | 'c' | 'b' | undefined;
  /** Left out: all. */
  major?: number | undefined;
  /** Left out: all. */
  minor?: number | undefined;
  /** Of `r` (read), `w` (write) and `m` (mknod). */
  access?: string | undefined;
}

/** A limit of huge pages. */
export interface OciHugepageLimit {
  /** Such as "2MB". */
  pageSize: string;
  /** Bytes. */
  limit: number;
}

/** Marks of network traffic. */
export interface OciNetworkClass {
  /** Class for tc(8). */
  classID?: number | undefined;
  /** Priorities of interfaces. */
  priorities?: { name: string; priority: number }[] | undefined;
}

/** RDMA resources of one device. */
export interface OciRdma {
  /** Most handles. */
  hcaHandles?: number | undefined;
  /** Most objects. */
  hcaObjects?: number | undefined;
}
