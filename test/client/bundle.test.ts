import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, inject } from 'vitest';
import { bindMount, Bundle, type BundleOptions } from '../../ts/client/src/index.js';
import { contentOf, readRecords } from '../support/container-logs.js';
import { text } from '../support/container.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { startPod } from './pod.js';

forEachRuntime('bundles that the client makes', (test) => {
  test('run as they are made', async ({ ground }) => {
    const said = await run(ground, { args: ['sh', '-c', 'hostname; pwd; id -u; cat /proc/1/status'] });
    expect(said.split('\n').slice(0, 3)).toEqual(['web', '/', '0']);
    expect(said).toMatch(/^NoNewPrivs:\t1$/m);
    // The eleven of the default: CHOWN to SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP (capability.h).
    expect(said).toMatch(/^CapEff:\t00000000800405fb$/m);
    expect(said).toMatch(/^CapAmb:\t0{16}$/m);
  });

  test('keep a container from the host', async ({ ground }) => {
    const script = [
      'echo 1 > /proc/sys/kernel/sysrq && echo wrote',
      'cat /proc/kcore | head -c 1 | wc -c',
      'mknod /tmp/disk b 8 0 && echo made',
      'mount -t tmpfs none /tmp && echo mounted',
      'ip link | grep -c ": "',
      'true',
    ].join('; ');
    expect(await run(ground, { args: ['sh', '-c', script] })).toBe('0\n1\n');
  });

  test('run with everything that can be asked for', async ({ ground }) => {
    mkdirSync(ground.path('data'));
    writeFileSync(ground.path('data/word'), 'given\n');
    const said = await run(ground, {
      args: [
        'sh',
        '-c',
        'hostname; pwd; id -u; id -g; echo $WORD; cat /data/word; touch /data/x || echo refused',
      ],
      env: { WORD: 'said' },
      cwd: '/tmp',
      user: '65534:65534',
      readonly: true,
      hostname: 'named',
      mounts: [
        bindMount(ground.path('data'), '/data'),
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=1777', 'size=1m'] },
      ],
      annotations: { 'org.example.note': 'x' },
    });
    expect(said).toBe('named\n/tmp\n65534\n65534\nsaid\ngiven\nrefused\n');
  });

  test('limit memory, processes and CPU', async ({ ground }) => {
    const pod = await startPod(ground);
    const bundle = await bundleOn(ground, {
      args: ['workload', 'pause'],
      memoryBytes: 32 << 20,
      pidsLimit: 20,
      cpus: 0.5,
    });
    const container = await pod.createContainer({ id: 'web', bundle: bundle.path });
    await container.start();
    // The mount of the cgroups shows version 1's controllers, or version 2's files.
    const { stdout } = await container.exec([
      'sh',
      '-c',
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us 2>/dev/null ||' +
        ' cat memory.max pids.max cpu.max',
    ]);
    expect(text(stdout)).toMatch(/^33554432\n20\n50000( 100000)?\n$/);
    await container.delete({ force: true });
  });

  test('have a terminal', async ({ ground }) => {
    const said = await run(ground, { args: ['sh', '-c', 'tty; echo $TERM'], terminal: true });
    expect(said).toBe('/dev/pts/0\r\nxterm\r\n');
  });

  test('have a user namespace', async ({ ground }) => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const said = await run(ground, {
      args: ['sh', '-c', 'id -u; cat /proc/self/uid_map'],
      namespaces: { user: 'new' },
      uidMappings: mappings,
      gidMappings: mappings,
    });
    expect(said.replaceAll(/ +/g, ' ')).toBe('0\n 0 100000 65536\n');
  });
});

/** A bundle with the shared root file system, read-only like all of them, in the test's cgroup. */
function bundleOn(ground: Ground, options: Partial<BundleOptions> & { args: string[] }): Promise<Bundle> {
  const rootfs = inject('rootfs');
  const cgroupsPath = `/${ground.cgroup}/web`;
  return Bundle.create({ path: ground.path('bundles/web'), rootfs, cgroupsPath, readonly: true, ...options });
}

/** What a container of such a bundle says. */
async function run(ground: Ground, options: Partial<BundleOptions> & { args: string[] }): Promise<string> {
  const pod = await startPod(ground);
  const bundle = await bundleOn(ground, options);
  const log = ground.path('web.log');
  const { terminal } = options;
  expect(await pod.validateBundle(bundle.path, { terminal })).toEqual([]);
  const container = await pod.createContainer({
    id: 'web',
    bundle: bundle.path,
    terminal,
    log: { path: log },
  });
  await container.start();
  await container.wait();
  await container.delete();
  return contentOf(readRecords(log, 'containerRuntimeInterface')).toString();
}
