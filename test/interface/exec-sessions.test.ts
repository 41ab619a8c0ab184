import { expect } from 'vitest';

import { descendants } from '../support/processes.js';
import { answered } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { startExec, TestSink } from '../support/sessions.js';
import { forEachRuntime } from '../support/suite.js';
import { inParallel, until, within } from '../support/until.js';

forEachRuntime('exec with streams', (test) => {
  test('gives the output of each stream, its end, and the exit code', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, [
      'sh',
      '-c',
      'for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done; exit 7',
    ]);
    expect(exec.pid).toBeGreaterThan(1);
    expect(exec.stdin).toBeUndefined();
    expect(await exec.exitCode()).toBe(7);
    expect(exec.stdout.text).toBe('out 1\nout 2\nout 3\nout 4\nout 5\n');
    expect(exec.stderr.text).toBe('err 1\nerr 2\nerr 3\nerr 4\nerr 5\n');
    expect([exec.stdout.ends, exec.stderr.ends]).toEqual([1, 1]);
    // Its end can be asked for again, and by several at once.
    const ends = await Promise.all(Array.from({ length: 20 }, () => exec.end(0)));
    expect(ends.filter(({ end, exit }) => end !== 'exited' || exit?.exitCode !== 7)).toEqual([]);
    const another = await startExec(connection, id, ['true']);
    expect(another.execId).toBeGreaterThan(exec.execId);
    expect(await another.exitCode()).toBe(0);
    exec.release();
    another.release();
  });

  test('tells of the signal that ended it', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['workload', 'pause']);
    const waits = Array.from({ length: 10 }, () => exec.end());
    expect((await exec.end(0)).end).toBe('running');
    await exec.session.signal({ signal: 15 });
    for (const { exit } of await Promise.all(waits)) expect(exit).toMatchObject({ exitCode: -1, signal: 15 });
    await failure(exec.session.signal({ signal: 15 }), 'EXEC_ENDED');
    await failure(exec.session.signal({ signal: 65 }), 'INVALID_ARGUMENT');
    await failure(exec.session.resize({ columns: 80, rows: 24 }), 'NO_TERMINAL');
    exec.release();
  });

  test('refuses what cannot be run', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    await failure(startExec(connection, id, ['no-such-command']), 'COMMAND_NOT_FOUND', /no-such-command/);
    await failure(startExec(connection, id, ['/etc']), [
      'COMMAND_NOT_EXECUTABLE',
      'COMMAND_NOT_FOUND',
      'RUNTIME_FAILED',
    ]);
    await failure(startExec(connection, 'stranger', ['true']), 'CONTAINER_NOT_FOUND');
    await failure(startExec(connection, id, []), 'INVALID_ARGUMENT', /command/);
    const odd = {
      environment: [{ environment: ['A'] }, { environment: ['=x'] }],
      user: [{ user: 'root' }, { user: '1:' }, { user: '+1' }, { user: '4294967296' }],
      workingDirectory: [{ workingDirectory: 'tmp' }],
      columns: [
        { columns: 80, rows: 24 },
        { columns: 80, terminal: true },
      ],
    };
    for (const [field, cases] of Object.entries(odd))
      for (const options of cases)
        await failure(startExec(connection, id, ['true'], options), 'INVALID_ARGUMENT', RegExp(field));
    await ground.expectNothingLeft(before);
    const container = await ground.run({ args: ['workload', 'exit', '0'] });
    await container.exit();
    await failure(startExec(connection, container.id, ['true']), 'CONTAINER_NOT_RUNNING');
  });

  test('has the environment, directory and user that were asked for beside the container’s own', async ({
    ground,
  }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const look = ['sh', '-c', 'echo "$HELLO|$PATH|$EMPTY"; pwd; id -u; id -g'];
    const plain = await startExec(connection, id, look);
    expect(await plain.exitCode()).toBe(0);
    const [own = '', directory, uid, gid] = plain.stdout.text.split('\n');
    const path = own.split('|')[1] ?? '';
    expect(path).toContain('bin');
    expect([directory, uid, gid]).toEqual(['/', '0', '0']);
    const asked = await startExec(connection, id, look, {
      environment: ['HELLO=a=b c', 'EMPTY='],
      workingDirectory: '/tmp',
      user: '1234:567',
    });
    expect(await asked.exitCode()).toBe(0);
    expect(asked.stdout.text).toBe(`a=b c|${path}|\n/tmp\n1234\n567\n`);
    const user = await startExec(connection, id, ['id', '-u'], { user: '4321' });
    expect(await user.exitCode()).toBe(0);
    expect(user.stdout.text).toBe('4321\n');
    for (const exec of [plain, asked, user]) exec.release();
  });

  test('reads what is written, byte for byte, and its end', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['workload', 'echo'], { stdin: true });
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7) % 256));
    // All at once: their order is that of the calls.
    const writes = [];
    for (let at = 0; at < sent.length; at += 1_000) writes.push(exec.write(sent.subarray(at, at + 1_000)));
    const end = exec.input.end();
    await Promise.all([...writes, end]);
    expect(await exec.exitCode()).toBe(0);
    expect(exec.stdout.bytes.equals(sent)).toBe(true);
    await failure(exec.write('more'), 'STDIN_CLOSED');
    exec.release();
    const released = await startExec(connection, id, ['workload', 'echo'], { stdin: true });
    await released.write('released');
    released.stdin?.[Symbol.dispose]();
    expect(await released.exitCode()).toBe(0);
    expect(released.stdout.text).toBe('released');
    released.release();
  });

  test('goes on writing after its input has ended, and the other way round', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const filter = await startExec(connection, id, ['sh', '-c', 'cat; sleep 0.2; echo last words'], {
      stdin: true,
    });
    await filter.write('first ');
    await filter.input.end();
    expect(await filter.exitCode()).toBe(0);
    expect(filter.stdout.text).toBe('first last words\n');
    filter.release();
    const deaf = await startExec(connection, id, ['sh', '-c', 'exec <&-; echo deaf; sleep 60'], {
      stdin: true,
    });
    await deaf.stdout.has('deaf');
    await failure(deaf.write('x'), 'STDIN_CLOSED');
    deaf.release();
  });

  test('has an end of file at once without an input', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['workload', 'echo', 'then', 'exit', '3']);
    expect(await exec.exitCode()).toBe(3);
    exec.release();
  });

  test('discards a stream without a sink', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const stderr = new TestSink();
    const { session } = await connection.podherd.exec({
      request: {
        id,
        command: ['workload', 'print', 'stdout', '3000000', 'then', 'print', 'stderr', '80'],
        cgroupManager: 'cgroupfs',
      },
      stderr: stderr.capability,
    });
    const end = await within('its end', answered(session).wait({ timeoutMillis: 20_000 }));
    expect(end).toMatchObject({ end: 'exited', exit: { exitCode: 0 } });
    expect(stderr.length).toBe(80);
    answered(session)[Symbol.dispose]();
  });

  test('runs a hundred at once, each with its own streams', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const results = await inParallel(100, 100, async (n) => {
      const exec = await startExec(connection, id, ['sh', '-c', `cat; echo ${n} >&2; exit ${n}`], {
        stdin: true,
      });
      await exec.write(`input ${n}`);
      await exec.input.end();
      const code = await exec.exitCode();
      const result = [code, exec.stdout.text, exec.stderr.text];
      exec.release();
      return result;
    });
    expect(results).toEqual(Array.from({ length: 100 }, (_, n) => [n, `input ${n}`, `${n}\n`]));
    await ground.expectNothingLeft(before);
  });

  test('refuses more sessions than the bound', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--sessions=2'] });
    const { id } = await ground.runHealthy();
    const first = await startExec(connection, id, ['workload', 'pause']);
    const second = await startExec(connection, id, ['workload', 'pause']);
    await failure(startExec(connection, id, ['true']), 'OVERLOADED', /--sessions/);
    first.release();
    const third = await until('there is a place again', () =>
      startExec(connection, id, ['true']).catch(() => undefined),
    );
    expect(await third.exitCode()).toBe(0);
    for (const exec of [second, third]) exec.release();
  });

  test('that runs out of time is killed with all that came of it', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const exec = await startExec(
      connection,
      id,
      [
        'workload',
        'orphan',
        'forever',
        'quiet',
        'then',
        'print',
        'stdout',
        '80',
        'then',
        'ignore-term',
        'then',
        'pause',
      ],
      { timeoutMillis: 700 },
    );
    expect(await exec.exitCode()).toBe(-9);
    // What it had written came all the same.
    expect(exec.stdout.text).toMatch(/^orphan \d+\n/);
    await ground.expectNothingLeft(before);
    exec.release();
  });

  test('that is not started within its time is undone', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'exec', steps: ['hang'] }]);
    const server = await ground.server({ runtime: odd.path });
    const { id } = await ground.runHealthy();
    const before = server.snapshot();
    await failure(startExec(server.connection, id, ['true'], { timeoutMillis: 500 }), 'RUNTIME_TIMEOUT');
    await ground.expectNothingLeft(before);
  });

  test('ends when a grandchild holds its output', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--drain-timeout=0.3'] });
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, [
      'workload',
      'orphan',
      'forever',
      'holding',
      'then',
      'print',
      'stdout',
      '160',
      'then',
      'exit',
      '9',
    ]);
    expect(await exec.exitCode()).toBe(9);
    expect(exec.stdout.length).toBeGreaterThan(160);
    exec.release();
  });

  test('ends with its container', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--drain-timeout=0.3'] });
    const container = await ground.runHealthy();
    const quick = await startExec(connection, container.id, ['workload', 'pause']);
    const slow = await startExec(connection, container.id, ['yes'], { stdout: new TestSink().hold() });
    await container.kill('KILL');
    expect(await quick.exitCode()).toBe(-9);
    expect(await container.exit()).toBe(137);
    // Its caller had the drain limit for the rest.
    expect((await slow.end()).end).toBe('behind');
    for (const exec of [quick, slow]) exec.release();
  });
});

forEachRuntime('an exec with streams on a terminal', (test, runtime) => {
  test('has its size from the start', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    // crun sets it while the command starts; runc before that.
    const look =
      runtime.name === 'crun'
        ? ['sh', '-c', 'until [ "$(workload size)" != "0 0" ]; do :; done; workload size']
        : ['workload', 'size'];
    const sizes = await inParallel(20, 10, async (n) => {
      const size = { columns: 100 + n, rows: 30 + n };
      const exec = await startExec(connection, id, look, { terminal: true, ...size });
      expect(await exec.exitCode()).toBe(0);
      exec.release();
      return exec.stdout.text;
    });
    expect(sizes).toEqual(sizes.map((_, n) => `${30 + n} ${100 + n}\r\n`));
  });

  test('is resized, gets Ctrl-C, and has one output', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(
      connection,
      id,
      [
        'sh',
        '-c',
        'trap "echo interrupted; exit 5" INT; trap "workload size" WINCH; echo ready >&2; while :; do sleep 0.05; done',
      ],
      { terminal: true, stdin: true },
    );
    await exec.stdout.has('ready');
    await exec.session.resize({ columns: 123, rows: 45 });
    await exec.stdout.has('45 123');
    await exec.write('\x03');
    expect(await exec.exitCode()).toBe(5);
    expect(exec.stdout.text).toContain('interrupted\r\n');
    expect(exec.stderr.length).toBe(0);
    await failure(exec.session.resize({ columns: 1, rows: 1 }), 'EXEC_ENDED');
    exec.release();
  });

  test.for([
    ['at the beginning of a line', 'one line\n', 'one line\r\none line\r\n'],
    ['within a line', 'no line', 'no lineno line'],
  ])('is told the end of its input %s', async ([, sent = '', expected], { ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['cat'], { terminal: true, stdin: true });
    await exec.write(sent);
    await exec.input.end();
    expect(await exec.exitCode()).toBe(0);
    expect(exec.stdout.text).toBe(expected);
    await failure(exec.write('more'), 'STDIN_CLOSED');
    exec.release();
  });
});

forEachRuntime('the caller of an exec with streams', (test) => {
  test('ends it with all that came of it by releasing the session, whatever is in flight', async ({
    ground,
  }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const exec = await startExec(
      connection,
      id,
      ['workload', 'orphan', 'forever', 'holding', 'then', 'ignore-term', 'then', 'pause'],
      { stdin: true },
    );
    // Its caller gives up no call: the wait is in flight when the session is released.
    const ended = exec.session.wait({ timeoutMillis: 600_000 }).catch(() => undefined);
    exec.release();
    await ground.expectNothingLeft(before);
    await within('the wait', ended);
  });

  test('ends it by vanishing in the middle of its output', async ({ ground }) => {
    const server = await ground.server();
    const { id } = await ground.runHealthy();
    await startExec(server.connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const client = await server.connect();
    const noisy = await startExec(client, id, ['yes']);
    const quiet = await startExec(client, id, ['workload', 'pause'], { stdin: true });
    const stuck = await startExec(client, id, ['yes'], { stdout: new TestSink().hold() });
    await noisy.stdout.has('y\ny\n');
    await stuck.stdout.has('y\ny\n');
    const waits = [noisy, quiet, stuck].map((exec) => exec.end().catch(() => undefined));
    await client.close();
    await Promise.all(waits);
    await ground.expectNothingLeft(before);
  });

  test('ends it by a sink that throws', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    for (const name of ['stdout', 'stderr'] as const) {
      const exec = await startExec(connection, id, ['sh', '-c', 'echo x; echo x >&2; sleep 60'], {
        [name]: new TestSink().fail('I am full'),
      });
      await failure(exec.end(), 'SINK_FAILED', RegExp(`${name}.*I am full`));
      await ground.expectNothingLeft(before);
      exec.release();
    }
  });

  test('is waited for by its stream alone, in order', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const stdout = new TestSink().hold();
    const total = 4_000_000;
    const exec = await startExec(
      connection,
      id,
      ['sh', '-c', `workload print stdout ${total} & workload print stderr ${total}; echo done >&2; wait`],
      { stdout },
    );
    // All of one comes while the other waits.
    await exec.stderr.has('done');
    expect(exec.stderr.length).toBe(total + 5);
    expect(stdout.length).toBeLessThanOrEqual(256 << 10);
    expect((await exec.end(0)).end).toBe('running');
    stdout.release();
    expect(await exec.exitCode()).toBe(0);
    expect(stdout.bytes.equals(exec.stderr.bytes.subarray(0, total))).toBe(true);
    expect(exec.stderr.mostOpenBytes).toBeLessThanOrEqual(256 << 10);
    exec.release();
  });

  test('may be as slow as it likes after the end', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--unread-timeout=0.3', '--drain-timeout=0.3'] });
    const { id } = await ground.runHealthy();
    const stdout = new TestSink().hold();
    const exec = await startExec(connection, id, ['workload', 'print', 'stdout', '300000'], { stdout });
    expect((await exec.end(1_500)).end).toBe('running');
    stdout.release();
    expect(await exec.exitCode()).toBe(0);
    expect(stdout.length).toBe(300_000);
    exec.release();
  });

  test('that never answers does not keep the server from its end', async ({ ground }) => {
    const server = await ground.server({ flags: ['--drain-timeout=0.3'] });
    const { id } = await ground.runHealthy();
    const client = await server.connect();
    const stuck = await startExec(client, id, ['yes'], { stdout: new TestSink().hold(), stdin: true });
    await stuck.stdout.has('y\n');
    const full = await startExec(client, id, ['workload', 'pause'], { stdin: true });
    const writes = Array.from({ length: 8 }, () => full.write(Buffer.alloc(32 << 10)).catch(() => undefined));
    const end = stuck.end().catch(() => undefined);
    expect(await server.stopAtOnce('SIGINT')).toEqual([]);
    await client.close();
    await Promise.all([end, ...writes]);
  });

  test('that sends without minding the answers is refused, and not held in memory', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['sh', '-c', 'sleep 1; wc -c'], { stdin: true });
    const piece = Buffer.alloc(64 << 10, 'x');
    const writes = await Promise.all(
      Array.from({ length: 200 }, () =>
        exec.write(piece).then(
          () => true,
          () => false,
        ),
      ),
    );
    const taken = writes.filter(Boolean).length;
    expect(taken).toBeLessThanOrEqual((1 << 20) / piece.length + 2);
    // Not one after the first that was refused, and no end either: the process would miss the middle.
    expect(writes.lastIndexOf(true)).toBe(taken - 1);
    await failure(exec.input.end(), 'OVERLOADED');
    expect((await exec.end(0)).end).toBe('running');
    exec.release();
  });
});

forEachRuntime('two connections', (test) => {
  test('do not hold each other up', async ({ ground }) => {
    const server = await ground.server();
    const { id } = await ground.runHealthy();
    const other = await server.connect();
    const stuck = await startExec(other, id, ['yes'], { stdout: new TestSink().hold() });
    await stuck.stdout.has('y\n');
    const exec = await startExec(server.connection, id, ['workload', 'print', 'stdout', '1000000']);
    expect(await exec.exitCode()).toBe(0);
    expect(exec.stdout.length).toBe(1_000_000);
    // The runtimes have gone: what is left is the command that is stuck.
    const names = descendants(server.pid).map(({ name }) => name);
    expect(names).toContain('yes');
    exec.release();
    stuck.release();
    await other.close();
  });
});
