import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import type { Container } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

const MIB = 1024 * 1024;

forEachRuntime('commands with streams through the client', (test, runtime) => {
  test('input, both outputs and the end', async ({ ground }) => {
    const container = await running(ground);
    await using exec = await container.spawn(
      ['sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 5'],
      {
        stdin: true,
      },
    );
    exec.stdin!.end('a line\n');
    expect(await Promise.all([text(exec.stdout), text(exec.stderr)])).toEqual(['got a line\n', 'err\n']);
    expect(await exec.wait()).toMatchObject({ known: true, exitCode: 5, signal: null });
    expect(exec.pid).toBeGreaterThan(0);
    expect((await container.status()).execs).toBe(0);
  });

  test('its environment, working directory and user', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sh', '-c', 'echo $OWN; pwd; id -u; id -g; read x || echo eof'], {
      env: { OWN: 'a b=c' },
      cwd: '/tmp',
      user: '7:8',
    });
    expect(exec.stdin).toBeNull();
    expect(await text(exec.stdout)).toBe('a b=c\n/tmp\n7\n8\neof\n');
    expect(await exec.wait()).toMatchObject({ exitCode: 0 });
  });

  test('megabytes go through both ways, byte for byte, to a slow reader', async ({ ground }) => {
    const container = await running(ground);
    const size = (runtime.name === 'runc' ? 64 : 8) * MIB;
    const exec = await container.spawn(['cat'], { stdin: true });
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    let bytes = 0;
    const write = pipeline(function* () {
      for (let at = 0; at < size; at += MIB) {
        const chunk = randomBytes(MIB);
        sent.update(chunk);
        yield chunk;
      }
    }, exec.stdin!);
    for await (const chunk of exec.stdout as AsyncIterable<Buffer>) {
      if (bytes < MIB) await sleep(2);
      bytes += chunk.length;
      received.update(chunk);
    }
    await write;
    expect(bytes).toBe(size);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(await exec.wait()).toMatchObject({ exitCode: 0 });
  });

  test('a reader that does not read holds the command up, and nothing else', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sh', '-c', 'head -c 20000000 /dev/zero; echo done >&2']);
    exec.stdout.pause();
    let said = false;
    exec.stderr.on('data', () => (said = true));
    expect((await container.exec(['echo', 'hi'])).exitCode).toBe(0);
    await sleep(200);
    expect(said).toBe(false);
    expect(exec.stdout.readableLength).toBeLessThan(4 * MIB);
    await failure(exec.wait({ timeoutMs: 50 }), 'TIMEOUT');
    exec.stdout.resume();
    expect(await exec.wait()).toMatchObject({ exitCode: 0 });
    expect(said).toBe(true);
  });

  test('an output that is thrown away holds nobody up', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sh', '-c', 'head -c 20000000 /dev/zero; echo kept >&2'], {
      stdout: false,
    });
    expect(await exec.wait()).toMatchObject({ exitCode: 0 });
    expect(await Promise.all([text(exec.stdout), text(exec.stderr)])).toEqual(['', 'kept\n']);
  });

  test('a terminal has a size and can be resized', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sh', '-c', 'stty size; read x; stty size'], {
      stdin: true,
      terminal: { columns: 100, rows: 30 },
    });
    let output = '';
    exec.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output).toBe('30 100\r\n');
    await exec.resize(120, 40);
    exec.stdin!.write('\n');
    expect(await exec.wait()).toMatchObject({ exitCode: 0 });
    await expect.poll(() => output).toMatch(/40 120\r\n$/);
  });

  test('signals, a limit of time, and a command that is not there', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sleep', '1000']);
    await exec.kill('SIGKILL');
    expect(await exec.wait()).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    await failure(exec.resize(1, 1), 'EXEC_SESSION_NOT_FOUND', /has ended/);
    const late = await container.spawn(['sleep', '1000'], { execTimeoutMs: 200 });
    expect(await late.wait()).toMatchObject({ signal: 'SIGKILL' });
    await failure(container.spawn(['no-such-command']), 'COMMAND_NOT_FOUND');
  });

  test('closing it, aborting it, and losing it kill it with all that came of it', async ({ ground }) => {
    const container = await running(ground);
    const command = ['sh', '-c', 'setsid sleep 1000 & sleep 1000'];
    const execs = async (): Promise<number> => (await container.stats()).pids.current;
    await expect.poll(execs).toBe(1);
    {
      await using exec = await container.spawn(command);
      await expect.poll(execs).toBe(3);
      void exec;
    }
    await expect.poll(execs).toBe(1);

    const controller = new AbortController();
    const aborted = await container.spawn(command, { signal: controller.signal });
    const wait = failure(aborted.wait(), 'ABORTED');
    await failure(aborted.wait({ timeoutMs: 10 }), 'TIMEOUT');
    await expect.poll(execs).toBe(3);
    controller.abort();
    await wait;
    await expect.poll(() => aborted.stdout.destroyed).toBe(true);
    await expect.poll(execs).toBe(1);
    await aborted.close();
  });

  test('the end of the server ends its streams with an error, and no process', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await started(ground, pod);
    const exec = await container.spawn(['cat'], { stdin: true });
    const wait = failure(exec.wait(), 'CONNECTION_CLOSED');
    const output = failure(text(exec.stdout), 'CONNECTION_CLOSED');
    await pod.close();
    await wait;
    await output;
    expect(exec.stdin!.destroyed).toBe(true);
    await failure(exec.kill(), 'CONNECTION_CLOSED');
  });

  test('its streams can be attached to by a name', async ({ ground }) => {
    const container = await running(ground);
    const exec = await container.spawn(['sh', '-c', 'read x; echo "said $x"'], {
      stdin: true,
      sessionId: 'mine',
    });
    await using session = await container.attach({ execSessionId: 'mine' });
    exec.stdin!.end('it\n');
    expect(await within('both', Promise.all([text(exec.stdout), text(session.stdout)]))).toEqual([
      'said it\n',
      'said it\n',
    ]);
    await exec.wait();
  });
});

async function running(ground: Ground): Promise<Container> {
  return started(ground, await startPod(ground));
}

async function started(ground: Ground, pod: Awaited<ReturnType<typeof startPod>>): Promise<Container> {
  const container = await pod.createContainer({
    id: 'web',
    bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
  });
  await container.start();
  return container;
}
