import { type Case, seccomp } from './case.js';

/** Resources, hooks, security. */
export const others: readonly Case[] = [
  {
    name: 'the root as cgroup',
    code: 'CGROUPS_PATH_INVALID',
    place: '/linux/cgroupsPath',
    changes: { '/linux/cgroupsPath': '/' },
  },
  {
    name: 'swap below the limit',
    code: 'RESOURCES_INVALID',
    place: '/linux/resources/memory/swap',
    changes: { '/linux/resources': { memory: { limit: 64 << 20, swap: 1 << 20 } } },
  },
  {
    name: 'a quota of 5 µs',
    code: 'RESOURCES_INVALID',
    place: '/linux/resources/cpu/quota',
    changes: { '/linux/resources': { cpu: { quota: 5 } } },
  },
  {
    name: 'an unknown device',
    code: 'DEVICE_INVALID',
    place: '/linux/devices/0/type',
    changes: { '/linux/devices': [{ path: '/dev/x', type: 'z', major: 1, minor: 3 }] },
    only: 'runc',
  },
  {
    name: 'a hook that is missing',
    code: 'HOOK_UNUSABLE',
    place: '/hooks/createRuntime/0/path',
    changes: { '/hooks': { createRuntime: [{ path: '/missing/hook' }] } },
  },
  {
    name: 'a hook that is not executable',
    code: 'HOOK_UNUSABLE',
    place: '/hooks/prestart/0/path',
    changes: { '/hooks': { prestart: [{ path: '/etc/passwd' }] } },
  },
  {
    name: 'a hook in the container that is missing',
    code: 'HOOK_UNUSABLE',
    place: '/hooks/startContainer/0/path',
    changes: { '/hooks': { startContainer: [{ path: '/missing/hook' }] } },
  },
  {
    name: 'a hook after the start',
    code: 'HOOK_UNUSABLE',
    place: '/hooks/poststart/0/path',
    changes: { '/hooks': { poststart: [{ path: '/missing/hook' }] } },
    only: 'runc',
  },
  {
    name: 'a hook after the end',
    code: 'HOOK_UNUSABLE',
    place: '/hooks/poststop/0/path',
    changes: { '/hooks': { poststop: [{ path: '/missing/hook' }] } },
    warning: 'runs',
  },
  {
    name: 'a relative hook',
    code: 'HOOK_NOT_ABSOLUTE',
    place: '/hooks/prestart/0/path',
    changes: { '/hooks': { prestart: [{ path: 'true' }] } },
    warning: 'depends',
  },
  {
    name: 'a hook without time',
    code: 'HOOK_TIMEOUT',
    place: '/hooks/prestart/0/timeout',
    changes: { '/hooks': { prestart: [{ path: '/usr/bin/cat', timeout: -1 }] } },
  },
  {
    name: 'an unknown action of seccomp',
    code: 'SECCOMP_UNKNOWN',
    place: '/linux/seccomp/defaultAction',
    changes: seccomp({ defaultAction: 'ALLOW' }),
  },
  {
    name: 'an unknown machine of seccomp',
    code: 'SECCOMP_UNKNOWN',
    place: '/linux/seccomp/architectures/0',
    changes: seccomp({ architectures: ['SCMP_ARCH_Z80'] }),
  },
  {
    name: 'a machine of seccomp without its prefix',
    code: 'SECCOMP_UNKNOWN',
    place: '/linux/seccomp/architectures/0',
    changes: seccomp({ architectures: ['x86_64'] }),
    only: 'runc',
  },
  {
    name: 'a seventh argument in seccomp',
    code: 'SECCOMP_UNKNOWN',
    place: '/linux/seccomp/syscalls/0/args/0/index',
    changes: seccomp({
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] },
      ],
    }),
  },
  {
    name: 'an agent of seccomp that does not listen',
    code: 'SECCOMP_LISTENER',
    place: '/linux/seccomp/listenerPath',
    changes: seccomp({
      listenerPath: '/missing/agent',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
    }),
  },
  {
    name: 'no agent of seccomp',
    code: 'SECCOMP_LISTENER',
    place: '/linux/seccomp/listenerPath',
    changes: seccomp({ syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] }),
    only: 'runc',
  },
  {
    name: 'an unknown propagation',
    code: 'ROOTFS_PROPAGATION_UNKNOWN',
    place: '/linux/rootfsPropagation',
    changes: { '/linux/rootfsPropagation': 'some' },
    only: 'runc',
  },
];
