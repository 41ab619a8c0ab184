import { type Case, mounts, mountAt } from './case.js';

/** Mounts. */
export const mountings: readonly Case[] = [
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
