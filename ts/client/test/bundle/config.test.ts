import { describe, expect, test } from 'vitest';
import { bindMount, bundleConfig, type BundleOptions, PodherdError } from '../../src/index.js';

const config = (options: Partial<BundleOptions> = {}) =>
  bundleConfig({ path: '/run/bundles/my web', rootfs: '/srv/web', args: ['httpd', '-f'], ...options });

describe('the configuration of a bundle', () => {
  test('is safe where nothing is said', () => {
    const { process, linux, root, hostname, mounts } = config();
    expect(process).toMatchObject({
      args: ['httpd', '-f'],
      cwd: '/',
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      terminal: false,
      user: { uid: 0, gid: 0 },
      noNewPrivileges: true,
    });
    const { bounding = [], effective, permitted, inheritable, ambient } = process?.capabilities ?? {};
    expect(bounding).toContain('CAP_CHOWN');
    expect(bounding).not.toContain('CAP_SYS_ADMIN');
    expect([effective, permitted, inheritable, ambient]).toEqual([bounding, bounding, undefined, undefined]);
    expect(linux?.namespaces?.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['pid', 'network', 'ipc', 'uts', 'mount']),
    );
    expect(linux?.namespaces?.map(({ type }) => type)).not.toContain('user');
    expect(linux?.resources).toEqual({
      devices: [{ allow: false, access: 'rwm' }],
      pids: { limit: 2_048 },
    });
    expect(linux?.maskedPaths).toContain('/proc/kcore');
    expect(linux?.readonlyPaths).toContain('/proc/sys');
    expect(root).toEqual({ path: '/srv/web', readonly: false });
    expect(hostname).toBe('my-web');
    expect(mounts?.map(({ destination }) => destination)).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/dev/shm',
      '/dev/mqueue',
      '/sys',
      '/sys/fs/cgroup',
    ]);
  });

  test('names a root file system inside of the bundle as seen from there', () => {
    expect(config({ rootfs: '/run/bundles/my web/rootfs' }).root?.path).toBe('rootfs');
    expect(config({ rootfs: '/run/bundles/other' }).root?.path).toBe('/run/bundles/other');
    expect(config({ rootfs: '/run/bundles/my web' }).root?.path).toBe('/run/bundles/my web');
  });

  test('gives whoever is not root no capability, and a bound of those that can be had', () => {
    const { user, capabilities } = config({ user: '1000:100', capabilities: ['CAP_KILL'] }).process ?? {};
    expect(user).toEqual({ uid: 1_000, gid: 100 });
    expect(capabilities).toEqual({ bounding: ['CAP_KILL'], effective: [], permitted: [] });
    expect(config({ user: 7 }).process?.user).toEqual({ uid: 7, gid: 0 });
  });

  test('has its limits in the fields that both versions of cgroups are made from', () => {
    expect(config({ memoryBytes: 1 << 20, pidsLimit: Infinity, cpus: 1.5 }).linux?.resources).toEqual({
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 1 << 20 },
      cpu: { quota: 150_000, period: 100_000 },
    });
  });

  test('joins namespaces, or takes those of the host', () => {
    const { linux, hostname } = config({
      namespaces: { network: '/run/netns/web', uts: 'host', ipc: 'host', cgroup: 'new' },
    });
    expect(hostname).toBeUndefined();
    expect(linux?.namespaces).toEqual([
      { type: 'pid' },
      { type: 'network', path: '/run/netns/web' },
      { type: 'mount' },
      { type: 'cgroup' },
    ]);
  });

  test('mounts what works in a new user namespace', () => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 5 }];
    const options = {
      namespaces: { user: 'new', network: 'host' },
      uidMappings: mappings,
      gidMappings: mappings,
    } as const;
    const { mounts, linux } = config(options);
    expect(linux).toMatchObject({ uidMappings: mappings, gidMappings: mappings });
    const at = (path: string) => mounts?.find(({ destination }) => destination === path);
    expect(at('/dev/pts')?.options).not.toContain('gid=5');
    expect(at('/sys')?.type).toBe('bind');
    expect(config().mounts).toContainEqual(
      expect.objectContaining({ type: 'devpts', options: expect.arrayContaining(['gid=5']) }),
    );
  });

  test('puts a mount in the place of a default one', () => {
    const { mounts } = config({
      mounts: [
        { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['size=1m'] },
        bindMount('/srv/data', '/data'),
      ],
    });
    expect(mounts?.filter(({ destination }) => destination === '/dev/shm')).toHaveLength(1);
    expect(mounts?.at(-1)).toEqual({
      destination: '/data',
      type: 'bind',
      source: '/srv/data',
      options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'ro'],
    });
    const shared = bindMount('/d', '/d', { readonly: false, recursive: false, options: ['rshared'] });
    expect(shared.options).toEqual(['bind', 'nosuid', 'nodev', 'rw', 'rshared']);
  });

  test.each<[string, Partial<BundleOptions>]>([
    ['args', { args: [] }],
    ['cwd', { cwd: 'relative' }],
    ['user', { user: 'daemon' }],
    ['memoryBytes', { memoryBytes: 0.5 }],
    ['pidsLimit', { pidsLimit: 0 }],
    ['cpus', { cpus: 0.001 }],
    ['env', { env: { 'A=B': 'c' } }],
    ['namespaces.pid', { namespaces: { pid: 'mine' as '/mine' } }],
  ])('refuses a bad value: %s', (name, options) => {
    expect(() => config(options)).toThrow(PodherdError);
    expect(() => config(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => config(options)).toThrow(name);
  });
});
