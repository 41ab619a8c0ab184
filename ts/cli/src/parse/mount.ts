import { isAbsolute, resolve } from 'node:path';
import { UsageFailure } from '../failure.js';
import { parseSize } from './size.js';

/** Something that a container sees beside its root file system. */
export type MountRequest =
  | { readonly type: 'bind'; readonly source: string; readonly target: string; readonly readonly: boolean }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      readonly sizeBytes: number | null;
      readonly readonly: boolean;
    };

const EXAMPLE = '--mount type=bind,source=/srv/data,target=/data,readonly';

/**
 * `SOURCE:TARGET[:ro|rw]`, as docker's --volume.
 *
 * @throws UsageFailure
 */
export function parseVolume(text: string): MountRequest {
  const [source = '', target = '', mode = 'rw', ...more] = text.split(':');
  if (source === '' || more.length > 0 || !['ro', 'rw'].includes(mode)) {
    throw new UsageFailure(
      `${JSON.stringify(text)} is no volume`,
      'volumes look like /srv/data:/data or /srv/data:/data:ro',
    );
  }
  return { type: 'bind', source: resolve(source), target: inContainer(target), readonly: mode === 'ro' };
}

/**
 * `type=bind|tmpfs,source=…,target=…`, as docker's --mount.
 *
 * @throws UsageFailure
 */
export function parseMount(text: string): MountRequest {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const key = at < 0 ? part : part.slice(0, at);
    const known = KEYS[key];
    if (known === undefined) throw new UsageFailure(`--mount has no ${JSON.stringify(key)}`, EXAMPLE);
    fields.set(known, at < 0 ? 'true' : part.slice(at + 1));
  }
  const type = fields.get('type') ?? 'bind';
  const target = inContainer(fields.get('target') ?? '');
  const readonly = flag(fields.get('readonly') ?? 'false');
  const source = fields.get('source');
  const size = fields.get('size');
  if (type === 'tmpfs' && source === undefined) {
    return { type, target, readonly, sizeBytes: size === undefined ? null : parseSize(size) };
  }
  if (type === 'bind' && source !== undefined && size === undefined) {
    return { type, source: resolve(source), target, readonly };
  }
  throw new UsageFailure(`${JSON.stringify(text)} is no mount`, EXAMPLE);
}

/** Docker's names for the same things. */
const KEYS: Readonly<Record<string, string>> = {
  type: 'type',
  source: 'source',
  src: 'source',
  target: 'target',
  destination: 'target',
  dst: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  size: 'size',
  'tmpfs-size': 'size',
};

function inContainer(path: string): string {
  if (isAbsolute(path)) return path;
  throw new UsageFailure(`the path in the container is absolute, found ${JSON.stringify(path)}`, EXAMPLE);
}

function flag(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new UsageFailure(`readonly is true or false, found ${JSON.stringify(text)}`, EXAMPLE);
}
