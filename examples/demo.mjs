// The story of Podherd in a terminal: a container runs and ends, and its exit state arrives; a broken
// one fails with the runtime's own words, and nothing of it stays. `npm run demo` runs it.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Pod } from '@podherd/client';

const runtime = process.env.PODHERD_RUNTIME ?? '/usr/sbin/runc';
const home = mkdtempSync(path.join(tmpdir(), 'podherd-demo-'));
const runtimeDir = path.join(home, 'pod');
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, green, red, cyan] = ['1', '2', '32', '31', '36'].map(paint);

/** Does one step of the story and prints it with its time. */
async function step(title, work) {
  const started = performance.now();
  const result = await work();
  const time = `${(performance.now() - started).toFixed(1)} ms`;
  console.log(`${green('✓')} ${title.padEnd(52)} ${dim(time.padStart(10))}`);
  return result;
}

const detail = (name, value) => console.log(`    ${dim(name.padEnd(14))} ${value}`);

/** A bundle of one static busybox. */
function makeBundle(name, args) {
  const bundle = path.join(home, name);
  const bin = path.join(bundle, 'rootfs', 'bin');
  mkdirSync(bin, { recursive: true });
  for (const folder of ['proc', 'dev', 'sys']) mkdirSync(path.join(bundle, 'rootfs', folder));
  copyFileSync('/bin/busybox', path.join(bin, 'busybox'));
  for (const applet of ['sh', 'echo', 'sleep']) symlinkSync('busybox', path.join(bin, applet));
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, cwd: '/', env: ['PATH=/bin'], args },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      cgroupsPath: `/podherd-demo-${process.pid}-${name}`,
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
  writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

/** What a failed create could leave behind. */
async function account(pod, server) {
  const { zombiesNow } = await pod.reaperStatus();
  return {
    zombies: zombiesNow,
    processes: childrenOf(server),
    descriptors: readdirSync(`/proc/${server}/fd`).length,
    containers: (await pod.list()).length,
    'runtime state': readdirSync(path.join(home, 'root')).length,
    files: readdirSync(runtimeDir).filter((name) => !['conmon.sock', 'journal'].includes(name)).length,
  };
}

function childrenOf(pid) {
  const parentOf = (name) => {
    try {
      return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1];
    } catch {
      return undefined; // It ended while we looked.
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === String(pid)).length;
}

async function main() {
  console.log(
    `\n${bold('A container runs and ends')}  ${dim(`(${path.basename(runtime)}, from Node ${process.version})`)}\n`,
  );
  const runtimeRoot = path.join(home, 'root');
  mkdirSync(runtimeRoot);
  const pod = await step('start the server', () => Pod.start({ runtime, runtimeDir, runtimeRoot }));
  try {
    await tell(pod);
  } finally {
    // In TypeScript, `await using` does this.
    await step('end the server', () => pod.close());
  }
}

async function tell(pod) {
  const { processId } = await pod.version();

  const script = 'echo "hello from pid $$"; sleep 0.2; echo "something odd" >&2; exit 42';
  const bundle = makeBundle('web', ['/bin/sh', '-c', script]);
  const log = path.join(home, 'web.log');
  const container = await step('create "web"', () =>
    pod.createContainer({ id: 'web', bundle, log: { path: log } }),
  );
  await step('start it', () => container.start());
  const end = await step('wait for its end', () => container.wait());
  detail('exit code', bold(String(end.exitCode)));
  detail('signal', String(end.signal));
  detail('out of memory', end.oomKilled ? 'yes' : 'no');
  detail('known', end.known ? 'yes, from the kernel' : `no: ${end.reason}`);
  detail('log', end.logComplete ? 'complete' : 'incomplete');
  for (const line of readFileSync(log, 'utf8').trimEnd().split('\n')) detail('', cyan(line));
  await step('delete it', () => container.delete());

  console.log(`\n${bold('A container whose command does not exist')}\n`);
  const broken = makeBundle('broken', ['no-such-command']);
  const before = await account(pod, processId);
  const error = await step('create "broken": fails, as it must', async () => {
    try {
      await pod.createContainer({
        id: 'broken',
        bundle: broken,
        log: { path: path.join(home, 'broken.log') },
      });
    } catch (failure) {
      return failure;
    }
    throw new Error('a container without a command was created');
  });
  detail('code', red(error.code));
  detail('message', error.message);
  const after = await account(pod, processId);
  console.log(`\n  ${dim('left behind'.padEnd(18))}${dim('before'.padStart(8))}${dim('after'.padStart(8))}`);
  let clean = true;
  for (const [name, count] of Object.entries(after)) {
    const same = count === before[name];
    clean &&= same;
    const row = `${name.padEnd(18)}${String(before[name]).padStart(8)}${String(count).padStart(8)}`;
    console.log(`  ${row}  ${same ? green('✓') : red('✗')}`);
  }
  if (!clean) throw new Error('the failed create left something behind');
  const again = await step('create "broken" again, with a command that exists', () =>
    pod.createContainer({ id: 'broken', bundle: makeBundle('mended', ['/bin/echo', 'mended']) }),
  );
  await again.start();
  const { exitCode } = await step('it runs and ends', () => again.wait());
  detail('exit code', bold(String(exitCode)));
}

const started = performance.now();
try {
  await main();
  console.log(`\n${green('✓')} done  ${dim(`${Math.round(performance.now() - started)} ms in all`)}\n`);
} catch (error) {
  console.error(`\n${red('✗')} ${error.stack ?? error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
