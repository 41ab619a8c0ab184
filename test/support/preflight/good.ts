import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from '../run.js';
import type { Runtime } from '../runtimes.js';

/** What the runtime's own `spec` writes, by a name. */
export async function goodConfigs({ name, path }: Runtime): Promise<[string, string][]> {
  const configs: [string, string][] = [];
  for (const flags of [[], ['--rootless']]) {
    const folder = mkdtempSync(join(tmpdir(), 'podherd-spec-'));
    try {
      const made = await run(path, ['spec', ...flags], { cwd: folder });
      if (made.code !== 0) throw new Error(made.stderr);
      configs.push([`${name}-spec${flags.join('')}`, readFileSync(join(folder, 'config.json'), 'utf8')]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return configs;
}

const capabilities = [
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

/** A config.json with the fields that podman, CRI-O and containerd write. */
export function podmanLike(rootfs: string, cgroupsPath: string): object {
  return {
    ociVersion: '1.0.2-dev',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, umask: 18, additionalGids: [0, 1, 2, 3, 4, 6, 10, 11, 20, 26, 27] },
      args: ['sh', '-c', 'echo RAN'],
      env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'TERM=xterm',
        'container=podman',
        'HOSTNAME=0123456789ab',
        'EMPTY=',
      ],
      cwd: '/',
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: [],
        ambient: null,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      oomScoreAdj: 200,
    },
    root: { path: rootfs, readonly: false },
    hostname: '0123456789ab',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/mqueue',
        type: 'mqueue',
        source: 'mqueue',
        options: ['nosuid', 'noexec', 'nodev'],
      },
      { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['bind', 'rprivate'] },
      {
        destination: '/etc/resolv.conf',
        type: 'bind',
        source: '/etc/hosts',
        options: ['bind', 'rprivate', 'ro'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777'],
      },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['rprivate', 'nosuid', 'ro'],
      },
      {
        destination: '/run/secrets',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['rw', 'rprivate', 'nosuid', 'nodev'],
      },
    ],
    hooks: {
      createRuntime: [{ path: '/usr/bin/cat', args: ['cat'], env: ['PATH=/usr/bin'], timeout: 10 }],
      poststop: [{ path: '/usr/bin/cat' }],
    },
    annotations: {
      'io.container.manager': 'libpod',
      'io.kubernetes.cri-o.Volumes': '[]',
      'org.opencontainers.image.stopSignal': '15',
    },
    linux: {
      sysctl: { 'net.ipv4.ping_group_range': '0 0', 'kernel.shm_rmid_forced': '0' },
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
        ],
        memory: { limit: 256 << 20, swap: 256 << 20, disableOOMKiller: false },
        cpu: { shares: 1024, quota: 100_000, period: 100_000 },
        pids: { limit: 2048 },
      },
      cgroupsPath,
      namespaces: [
        { type: 'pid' },
        { type: 'network' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'cgroup' },
      ],
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
        syscalls: [
          { names: ['bdflush', 'io_pgetevents', 'no_such_call_yet'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
          {
            names: ['personality'],
            action: 'SCMP_ACT_ALLOW',
            args: [{ index: 0, value: 4294967295, valueTwo: 0, op: 'SCMP_CMP_EQ' }],
          },
        ],
      },
      maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      mountLabel: '',
      rootfsPropagation: 'slave',
    },
  };
}
