/** What of config.json is changed, by JSON pointer. `undefined` removes; the last part `-` appends to a list. */
export type Changes = Readonly<Record<string, unknown>>;

/** A bundle with one thing wrong. */
export interface Case {
  readonly name: string;
  readonly code: string;
  /** A JSON pointer. */
  readonly place: string;
  readonly changes?: Changes;
  /** In place of the whole config.json. */
  readonly text?: string;
  /** The code for runc, where that refuses it for another reason. */
  readonly forRunc?: string;
  /** The one of the two that refuses it; the other runs it. Absent: both do. */
  readonly only?: 'runc' | 'crun';
  /** Warned of: the runtime need not refuse it. */
  readonly warning?: 'runs' | 'depends';
}

const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
const without = (kind: string): object[] => namespaces.filter(({ type }) => type !== kind);
const joining = (kind: string, path: string): object[] =>
  namespaces.map(({ type }) => (type === kind ? { type, path } : { type }));
const ids = [{ containerID: 0, hostID: 0, size: 1000 }];
const userNamespace = {
  '/linux/namespaces': [...namespaces, { type: 'user' }],
  '/linux/uidMappings': ids,
  '/linux/gidMappings': ids,
};
const mounts = '/mounts/-';
const mountAt = (name: string): string => `/mounts/4${name}`;
const seccomp = (profile: object): Changes => ({
  '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW', ...profile },
});
const command = (name: string): Changes => ({ '/process/args/0': name });

const notFound = (name: string, changes: Changes): Case => ({
  name,
  code: 'COMMAND_NOT_FOUND',
  place: '/process/args/0',
  changes,
});
const commandCase = (code: string, name: string): Case => ({
  name: `the command ${name}`,
  code,
  place: '/process/args/0',
  changes: command(name),
});

/** The document and its types. */
const documents: readonly Case[] = [
  { name: 'no JSON', code: 'CONFIG_INVALID', place: '', text: '{"ociVersion":' },
  { name: 'an empty file', code: 'CONFIG_INVALID', place: '', text: '' },
  { name: 'a list', code: 'FIELD_TYPE', place: '', text: '[]' },
  { name: 'a number for args', code: 'FIELD_TYPE', place: '/process/args', changes: { '/process/args': 5 } },
  { name: 'a number for the root', code: 'FIELD_TYPE', place: '/root/path', changes: { '/root/path': 5 } },
  { name: 'an object for mounts', code: 'FIELD_TYPE', place: '/mounts', changes: { '/mounts': {} } },
  {
    name: 'a text for a group',
    code: 'FIELD_TYPE',
    place: '/process/user/additionalGids/0',
    changes: { '/process/user/additionalGids': ['a'] },
  },
  {
    name: 'a number for an annotation',
    code: 'FIELD_TYPE',
    place: '/annotations/a~1b',
    changes: { '/annotations': { 'a/b': 1 } },
  },
  {
    name: 'a text for a boolean',
    code: 'FIELD_TYPE',
    place: '/process/terminal',
    changes: { '/process/terminal': 'no' },
    only: 'runc',
  },
  {
    name: 'a negative uid',
    code: 'FIELD_RANGE',
    place: '/process/user/uid',
    changes: { '/process/user/uid': -1 },
  },
  {
    name: 'a fraction for a limit',
    code: 'FIELD_RANGE',
    place: '/linux/resources/pids/limit',
    changes: { '/linux/resources': { pids: { limit: 1.5 } } },
  },
  {
    name: 'a uid of 33 bits',
    code: 'FIELD_RANGE',
    place: '/process/user/uid',
    changes: { '/process/user/uid': 2 ** 32 },
  },
  {
    name: 'capitals',
    code: 'FIELD_CASE',
    place: '/Hostname',
    changes: { '/Hostname': 'x' },
    warning: 'runs',
  },
  {
    name: 'a NUL in an argument',
    code: 'TEXT_HAS_NUL',
    place: '/process/args/3',
    changes: { '/process/args/-': 'a\0b' },
    only: 'runc',
  },
  {
    name: 'a new version',
    code: 'OCI_VERSION_UNSUPPORTED',
    place: '/ociVersion',
    changes: { '/ociVersion': '1.9.0' },
    warning: 'depends',
  },
];

/** `root` and `process`. */
const processes: readonly Case[] = [
  { name: 'no root', code: 'ROOT_MISSING', place: '/root', changes: { '/root': undefined } },
  {
    name: 'a root without a path',
    code: 'ROOT_MISSING',
    place: '/root/path',
    changes: { '/root/path': undefined },
  },
  {
    name: 'a rootfs that is not there',
    code: 'ROOTFS_MISSING',
    place: '/root/path',
    changes: { '/root/path': 'missing' },
  },
  {
    name: 'a file as rootfs',
    code: 'ROOTFS_INVALID',
    place: '/root/path',
    changes: { '/root/path': 'config.json' },
  },
  { name: "the host's root", code: 'ROOTFS_INVALID', place: '/root/path', changes: { '/root/path': '/' } },
  { name: 'no process', code: 'PROCESS_MISSING', place: '/process', changes: { '/process': undefined } },
  { name: 'no args', code: 'ARGS_EMPTY', place: '/process/args', changes: { '/process/args': undefined } },
  { name: 'empty args', code: 'ARGS_EMPTY', place: '/process/args', changes: { '/process/args': [] } },
  { name: 'no cwd', code: 'CWD_MISSING', place: '/process/cwd', changes: { '/process/cwd': undefined } },
  { name: 'an empty cwd', code: 'CWD_MISSING', place: '/process/cwd', changes: { '/process/cwd': '' } },
  {
    name: 'a relative cwd',
    code: 'CWD_NOT_ABSOLUTE',
    place: '/process/cwd',
    changes: { '/process/cwd': 'bin' },
    only: 'runc',
  },
  {
    name: 'a file as cwd',
    code: 'CWD_NOT_DIRECTORY',
    place: '/process/cwd',
    changes: { '/process/cwd': '/etc/file' },
  },
  {
    name: 'a cwd below a file',
    code: 'CWD_NOT_DIRECTORY',
    place: '/process/cwd',
    changes: { '/process/cwd': '/etc/file/..' },
  },
  {
    name: 'a cwd that is not there',
    code: 'CWD_NOT_FOUND',
    place: '/process/cwd',
    changes: { '/process/cwd': '/made-for-RUNTIME' },
    warning: 'runs',
  },
  {
    name: 'a variable without a name',
    code: 'ENV_INVALID',
    place: '/process/env/1',
    changes: { '/process/env/-': '=x' },
    only: 'runc',
  },
  {
    name: 'a size without a terminal',
    code: 'CONSOLE_SIZE_WITHOUT_TERMINAL',
    place: '/process/consoleSize',
    changes: { '/process/consoleSize': { height: 1, width: 1 } },
    warning: 'runs',
  },
  {
    name: 'a user name',
    code: 'USERNAME_IGNORED',
    place: '/process/user/username',
    changes: { '/process/user/username': 'nobody' },
    warning: 'runs',
  },
  {
    name: 'a user without an id',
    code: 'USER_NOT_MAPPED',
    place: '/process/user/uid',
    changes: { ...userNamespace, '/process/user/uid': 1000 },
  },
  {
    name: 'a group without an id',
    code: 'USER_NOT_MAPPED',
    place: '/process/user/additionalGids/0',
    changes: { ...userNamespace, '/process/user/additionalGids': [2000] },
  },
  {
    name: 'an unknown capability',
    code: 'CAPABILITY_UNKNOWN',
    place: '/process/capabilities/bounding/0',
    changes: { '/process/capabilities/bounding/0': 'KILL' },
    warning: 'runs',
  },
  {
    name: 'an effective capability that is not permitted',
    code: 'CAPABILITY_NOT_ALLOWED',
    place: '/process/capabilities/effective/3',
    changes: { '/process/capabilities/effective/-': 'CAP_NET_RAW' },
  },
  {
    name: 'an inheritable capability that is not bounded',
    code: 'CAPABILITY_NOT_ALLOWED',
    place: '/process/capabilities/inheritable/0',
    changes: { '/process/capabilities/inheritable': ['CAP_CHOWN'] },
  },
  {
    name: 'an unknown limit',
    code: 'RLIMIT_UNKNOWN',
    place: '/process/rlimits/0/type',
    changes: { '/process/rlimits': [{ type: 'NOFILE', hard: 64, soft: 64 }] },
  },
  {
    name: 'a limit twice',
    code: 'RLIMIT_REPEATED',
    place: '/process/rlimits/1/type',
    changes: { '/process/rlimits': [1, 2].map(() => ({ type: 'RLIMIT_NOFILE', hard: 64, soft: 64 })) },
    warning: 'runs',
  },
  {
    name: 'a soft limit above the hard one',
    code: 'RLIMIT_SOFT_ABOVE_HARD',
    place: '/process/rlimits/0',
    changes: { '/process/rlimits': [{ type: 'RLIMIT_NOFILE', hard: 64, soft: 65 }] },
  },
  {
    name: 'an impossible OOM score',
    code: 'OOM_SCORE_OUT_OF_RANGE',
    place: '/process/oomScoreAdj',
    changes: { '/process/oomScoreAdj': 1001 },
  },
];

/** The command. */
const commands: readonly Case[] = [
  notFound('a command that does not exist', command('missing')),
  notFound('a path that does not exist', command('/bin/missing')),
  notFound('an empty command', command('')),
  notFound('a command of the host alone', { '/process/args/0': 'outside' }),
  notFound('a circle of links', command('/bin/circle')),
  notFound('no PATH', { '/process/env': [] }),
  notFound('a later PATH', { '/process/env/-': 'PATH=/missing' }),
  notFound('a tmpfs over it', { [mounts]: { destination: '/bin', type: 'tmpfs', source: 'tmpfs' } }),
  notFound('a bind mount over it', {
    [mounts]: { destination: '/bin', type: 'bind', source: '/etc', options: ['bind'] },
  }),
  { ...notFound('a relative PATH', { '/process/env': ['PATH=bin'] }), only: 'runc' },
  {
    ...notFound('a directory that may not be searched', {
      '/process/env': ['PATH=/private:/bin'],
      '/process/user': { uid: 1000, gid: 1000 },
    }),
    only: 'crun',
  },
  commandCase('COMMAND_NOT_EXECUTABLE', 'not-executable'),
  commandCase('COMMAND_NOT_EXECUTABLE', '/bin/not-executable'),
  commandCase('COMMAND_NOT_EXECUTABLE', '/bin/directory'),
  commandCase('COMMAND_NOT_EXECUTABLE', 'directory'),
  commandCase('COMMAND_NOT_EXECUTABLE', 'owned'),
  commandCase('COMMAND_NOT_EXECUTABLE', 'fifo'),
  {
    name: 'noexec',
    code: 'COMMAND_NOT_EXECUTABLE',
    place: '/process/args/0',
    changes: {
      [mounts]: { destination: '/bin', type: 'bind', source: 'ROOTFS/bin', options: ['bind', 'noexec'] },
    },
  },
  {
    name: 'another user',
    code: 'COMMAND_NOT_EXECUTABLE',
    place: '/process/args/0',
    changes: { '/process/args/0': '/private/sh', '/process/user': { uid: 1000, gid: 1000 } },
  },
  commandCase('COMMAND_FORMAT', 'plain'),
  commandCase('COMMAND_FORMAT', 'empty'),
  commandCase('COMMAND_FORMAT', 'object'),
  commandCase('COMMAND_FORMAT', 'cut'),
  commandCase('COMMAND_FORMAT', 'long-line'),
  commandCase('COMMAND_ARCHITECTURE', 'other-machine'),
  commandCase('INTERPRETER_UNUSABLE', 'no-interpreter'),
  commandCase('INTERPRETER_UNUSABLE', 'windows'),
  commandCase('INTERPRETER_UNUSABLE', 'directory-interpreter'),
  commandCase('INTERPRETER_UNUSABLE', 'nest5'),
  commandCase('LOADER_UNUSABLE', 'no-loader'),
  commandCase('LOADER_UNUSABLE', 'bad-loader'),
  { ...commandCase('SCRIPT_COMMAND_NOT_FOUND', 'env-missing'), warning: 'depends' },
  {
    name: 'a command in /proc',
    code: 'COMMAND_UNKNOWN',
    place: '/process/args/0',
    changes: command('/proc/self/exe'),
    warning: 'depends',
  },
  {
    name: 'a missing command and a hook',
    code: 'COMMAND_NOT_FOUND',
    place: '/process/args/0',
    changes: { ...command('missing'), '/hooks': { createRuntime: [{ path: '/usr/bin/cat' }] } },
    warning: 'depends',
  },
];

/** Mounts. */
const mountings: readonly Case[] = [
  {
    name: 'no mounts',
    code: 'MOUNTS_MISSING',
    place: '/mounts',
    changes: { '/mounts': undefined },
    forRunc: 'PROC_NOT_MOUNTED',
  },
  { name: 'no /proc', code: 'PROC_NOT_MOUNTED', place: '/mounts', changes: { '/mounts': [] }, only: 'runc' },
  {
    name: 'a mount without a destination',
    code: 'MOUNT_DESTINATION_MISSING',
    place: mountAt('/destination'),
    changes: { [mounts]: { type: 'tmpfs', source: 'tmpfs' } },
  },
  {
    name: 'a relative destination',
    code: 'MOUNT_DESTINATION_UNCLEAR',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: 'data', type: 'tmpfs', source: 'tmpfs' } },
    warning: 'runs',
  },
  {
    name: 'a destination above the rootfs',
    code: 'MOUNT_DESTINATION_UNCLEAR',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/../../data', type: 'tmpfs', source: 'tmpfs' } },
    warning: 'runs',
  },
  {
    name: 'the rootfs as destination',
    code: 'MOUNT_DESTINATION_INVALID',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/', type: 'tmpfs', source: 'tmpfs' } },
  },
  {
    name: 'a destination below a file',
    code: 'MOUNT_DESTINATION_INVALID',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/etc/file/x', type: 'tmpfs', source: 'tmpfs' } },
  },
  {
    name: 'a destination in a circle',
    code: 'MOUNT_DESTINATION_INVALID',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/bin/circle/x', type: 'tmpfs', source: 'tmpfs' } },
  },
  {
    name: 'a bind mount of nothing',
    code: 'MOUNT_SOURCE_MISSING',
    place: mountAt('/source'),
    changes: {
      [mounts]: { destination: '/data', type: 'bind', source: '/missing/source', options: ['rbind'] },
    },
  },
  {
    name: 'a bind mount without a source',
    code: 'MOUNT_SOURCE_MISSING',
    place: mountAt('/source'),
    changes: { [mounts]: { destination: '/data', type: 'bind', options: ['bind'] } },
    only: 'crun',
  },
  {
    name: 'a file over a directory',
    code: 'MOUNT_KIND_MISMATCH',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/data', type: 'bind', source: '/etc/passwd', options: ['bind'] } },
  },
  {
    name: 'a directory over a file',
    code: 'MOUNT_KIND_MISMATCH',
    place: mountAt('/destination'),
    changes: { [mounts]: { destination: '/etc/file', type: 'tmpfs', source: 'tmpfs' } },
  },
  {
    name: 'a mount without a type',
    code: 'MOUNT_TYPE_MISSING',
    place: mountAt('/type'),
    changes: { [mounts]: { destination: '/data', source: 'x' } },
  },
  {
    name: 'a bind mount without the option',
    code: 'MOUNT_TYPE_MISSING',
    place: mountAt('/options'),
    changes: { [mounts]: { destination: '/data', type: 'bind', source: '/etc' } },
  },
  {
    name: 'an unknown file system',
    code: 'MOUNT_TYPE_UNKNOWN',
    place: mountAt('/type'),
    changes: { [mounts]: { destination: '/data', type: 'nofs', source: 'x' } },
    warning: 'depends',
  },
];

/** Namespaces and what needs them. */
const separations: readonly Case[] = [
  {
    name: 'an unknown namespace',
    code: 'NAMESPACE_UNKNOWN',
    place: '/linux/namespaces/5/type',
    changes: { '/linux/namespaces/-': { type: 'net' } },
  },
  {
    name: 'a namespace without a type',
    code: 'FIELD_MISSING',
    place: '/linux/namespaces/5/type',
    changes: { '/linux/namespaces/-': {} },
  },
  {
    name: 'a namespace twice',
    code: 'NAMESPACE_REPEATED',
    place: '/linux/namespaces/5',
    changes: { '/linux/namespaces/-': { type: 'pid' } },
    only: 'runc',
  },
  {
    name: 'a namespace that is gone',
    code: 'NAMESPACE_PATH_MISSING',
    place: '/linux/namespaces/4/path',
    changes: { '/linux/namespaces': joining('network', '/missing/ns') },
  },
  {
    name: 'a namespace of another type',
    code: 'NAMESPACE_PATH_KIND',
    place: '/linux/namespaces/4/path',
    changes: { '/linux/namespaces': joining('network', '/proc/self/ns/uts') },
  },
  {
    name: 'a file as namespace',
    code: 'NAMESPACE_PATH_KIND',
    place: '/linux/namespaces/4/path',
    changes: { '/linux/namespaces': joining('network', '/etc/passwd') },
  },
  {
    name: 'a user namespace without mappings',
    code: 'MAPPINGS_MISSING',
    place: '/linux/uidMappings',
    changes: { '/linux/namespaces/-': { type: 'user' } },
    only: 'runc',
  },
  {
    name: 'mappings without root',
    code: 'MAPPINGS_INVALID',
    place: '/linux/uidMappings',
    changes: { ...userNamespace, '/linux/uidMappings': [{ containerID: 1, hostID: 1, size: 9 }] },
  },
  {
    name: 'mappings that overlap',
    code: 'MAPPINGS_INVALID',
    place: '/linux/gidMappings',
    changes: { ...userNamespace, '/linux/gidMappings': [...ids, ...ids] },
  },
  {
    name: 'mappings without a namespace',
    code: 'MAPPINGS_UNUSED',
    place: '/linux/uidMappings',
    changes: { '/linux/uidMappings': ids },
    warning: 'runs',
  },
  {
    name: 'a host name without a namespace',
    code: 'HOSTNAME_WITHOUT_NAMESPACE',
    place: '/hostname',
    changes: { '/linux/namespaces': without('uts') },
  },
  {
    name: 'a domain name without a namespace',
    code: 'HOSTNAME_WITHOUT_NAMESPACE',
    place: '/domainname',
    changes: { '/linux/namespaces': without('uts'), '/hostname': undefined, '/domainname': 'x' },
    only: 'crun',
  },
  {
    name: 'a long host name',
    code: 'HOSTNAME_TOO_LONG',
    place: '/hostname',
    changes: { '/hostname': 'x'.repeat(65) },
  },
  {
    name: "the machine's sysctl",
    code: 'SYSCTL_NOT_NAMESPACED',
    place: '/linux/sysctl/vm.swappiness',
    changes: { '/linux/sysctl': { 'vm.swappiness': '1' } },
  },
  {
    name: 'the host name as a sysctl',
    code: 'SYSCTL_NOT_NAMESPACED',
    place: '/linux/sysctl/kernel.hostname',
    changes: { '/linux/sysctl': { 'kernel.hostname': 'x' } },
  },
  {
    name: 'a sysctl without its namespace',
    code: 'SYSCTL_WITHOUT_NAMESPACE',
    place: '/linux/sysctl/net.ipv4.ip_forward',
    changes: { '/linux/sysctl': { 'net.ipv4.ip_forward': '1' }, '/linux/namespaces': without('network') },
  },
  {
    name: 'an unknown sysctl',
    code: 'SYSCTL_UNKNOWN',
    place: '/linux/sysctl/net.no.such',
    changes: { '/linux/sysctl': { 'net.no.such': '1' } },
    warning: 'depends',
  },
];

/** Resources, hooks, security. */
const others: readonly Case[] = [
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

/** Every one, with a name of its own. */
export const cases: readonly Case[] = [
  ...documents,
  ...processes,
  ...commands,
  ...mountings,
  ...separations,
  ...others,
];

/** Changes a document at these places. */
export function change(document: object, changes: Changes): void {
  for (const [pointer, value] of Object.entries(changes)) {
    const path = pointer.slice(1).split('/');
    const last = path.pop() ?? '';
    let at = document as Record<string, unknown>;
    for (const key of path) at = (at[key] ??= {}) as Record<string, unknown>;
    if (last === '-' && Array.isArray(at)) at.push(value);
    else if (value === undefined) Reflect.deleteProperty(at, last);
    else at[last] = structuredClone(value);
  }
}
