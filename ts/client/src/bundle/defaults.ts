/** What both runtimes accept; features of later versions are used by whoever edits the configuration. */
export const OCI_VERSION = '1.0.2';

/** Where programs are looked for. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What podman sets, so that a fork bomb ends in its container. */
export const PIDS_LIMIT = 2_048;

/** Microseconds of a period of the scheduler's (sched-bwc of the kernel): its own default. */
export const CPU_PERIOD_MICROS = 100_000;

/** What podman gives: enough for package managers and servers, nothing that reaches out of the container. */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/** What tells of the host, or reaches it: the list of `runc spec`, and what podman adds. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];

/** What belongs to the host's kernel, where root in a container could write otherwise. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
