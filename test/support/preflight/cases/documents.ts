import { type Case } from './case.js';

/** The document and its types. */
export const documents: readonly Case[] = [
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
