import { type Case, without, joining, ids, userNamespace } from './case.js';

/** Namespaces and what needs them. */
export const separations: readonly Case[] = [
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
