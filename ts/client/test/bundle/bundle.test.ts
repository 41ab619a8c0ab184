import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bundle, type OciConfig } from '../../src/bundle/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podherd-bundle-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const onDisk = (bundle: Bundle) =>
  JSON.parse(readFileSync(join(bundle.path, 'config.json'), 'utf8')) as OciConfig;
const create = (name = 'web') =>
  Bundle.create({ path: join(folder, name), rootfs: join(folder, 'rootfs'), args: ['true'] });

describe('a bundle', () => {
  test('is made, opened, edited and removed', async () => {
    const bundle = await create('deep/web');
    expect(onDisk(bundle)).toEqual(bundle.config);
    expect(bundle.rootfs).toBe(join(folder, 'rootfs'));
    const same = await Bundle.open(bundle.path);
    expect(same.config).toEqual(bundle.config);

    same.edit((config) => {
      config.hostname = 'other';
      config.linux!.resources = { pids: { limit: 5 } };
    });
    expect(onDisk(bundle).hostname).toBe('web');
    await same.write();
    expect(onDisk(bundle)).toMatchObject({ hostname: 'other', linux: { resources: { pids: { limit: 5 } } } });
    expect(readdirSync(bundle.path)).toEqual(['config.json']);

    await bundle.remove();
    await bundle.remove();
    expect(existsSync(bundle.path)).toBe(false);
  });

  test('keeps fields that it does not know', async () => {
    const path = join(folder, 'foreign');
    mkdirSync(path);
    const foreign = { ociVersion: '1.0.0', windows: { layerFolders: ['x'] }, linux: { future: [1] } };
    writeFileSync(join(path, 'config.json'), JSON.stringify(foreign));
    const bundle = await Bundle.open(path);
    expect(bundle.rootfs).toBeUndefined();
    await bundle.edit((config) => ({ ...config, hostname: 'x' })).write();
    expect(onDisk(bundle)).toEqual({ ...foreign, hostname: 'x' });
  });

  test('stays as it was when an edit throws', async () => {
    const bundle = await create();
    const before = structuredClone(bundle.config);
    expect(() =>
      bundle.edit((config) => {
        config.hostname = 'half';
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(bundle.config).toEqual(before);
  });

  test('is not made over another one', async () => {
    const first = await create();
    await first.edit((config) => void (config.hostname = 'first')).write();
    await expect(create()).rejects.toMatchObject({ code: 'BUNDLE_INVALID', message: /exists already/ });
    expect(onDisk(first).hostname).toBe('first');
    expect(readdirSync(first.path)).toEqual(['config.json']);
  });

  test.each([
    ['missing', null],
    ['no JSON', '{'],
    ['no object', '[]'],
    ['without a version', '{"root":{"path":"rootfs"}}'],
  ])('is not opened when its configuration is %s', async (_, text) => {
    mkdirSync(join(folder, 'bad'));
    if (text !== null) writeFileSync(join(folder, 'bad/config.json'), text);
    await expect(Bundle.open(join(folder, 'bad'))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  test('is not removed while something is mounted in it', async () => {
    const bundle = await create('with blank');
    const inside = join(bundle.path, 'rootfs');
    mkdirSync(inside);
    execFileSync('mount', ['-t', 'tmpfs', 'podherd-test', inside]);
    try {
      writeFileSync(join(inside, 'precious'), '');
      await expect(bundle.remove()).rejects.toMatchObject({ code: 'BUNDLE_INVALID', message: /is mounted/ });
      expect(readdirSync(inside)).toEqual(['precious']);
    } finally {
      execFileSync('umount', [inside]);
    }
    await bundle.remove();
  });
});
