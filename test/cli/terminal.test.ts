import { expect } from 'vitest';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { environment, inCgroup, Podctl, rootfs, serversOf } from './podctl.js';
import { Terminal } from './terminal.js';

/** The prompt of the shells here; busybox's asks the terminal where the cursor is. */
const PROMPT = /:> (\x1b\[6n)?$/;

/** What stty(1) says of a terminal that a shell works in. */
const COOKED = /\bicanon\b/;

forEachRuntime('podctl in a terminal', (test) => {
  test('run -it is a shell: keys, Ctrl-C, sizes, its exit code', async ({ ground }) => {
    const terminal = open(
      ground,
      Terminal.podctl(
        [
          'run',
          '-it',
          '--runtime',
          ground.runtime.path,
          ...inCgroup(ground),
          '-e',
          'PS1=:> ',
          rootfs(),
          '--',
          'sh',
        ],
        environment(ground),
        100,
        30,
      ),
    );
    await terminal.shows(PROMPT);
    terminal.type('stty size\r');
    await terminal.shows(/30 100\r+\n/);
    terminal.resize(120, 40);
    terminal.clear();
    terminal.type('until [ "$(stty size)" = "40 120" ]; do sleep 0.05; done; echo resized $((1 + 1))\r');
    await terminal.shows(/resized 2\r+\n/);
    terminal.clear();
    // While the shell edits a line, Ctrl-C is but a key of its.
    terminal.type('echo up $((1 + 1)); sleep 1000\r');
    await terminal.shows(/up 2\r+\n/);
    terminal.type('\x03');
    await terminal.shows(/\^C[^]*:> /);
    terminal.type('echo code $?\r');
    await terminal.shows(/code 130\r+\n/);
    terminal.type('exit 7\r');
    expect(await within('the end', terminal.ended)).toBe(7);
  });

  test('the detach keys leave the container running, and attach takes it up again', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const terminal = open(
      ground,
      Terminal.podctl([...podctl.words('run', '-it', '--name', 'a', '-e', 'PS1=:> '), 'sh'], podctl.env),
    );
    await terminal.shows(PROMPT);
    terminal.type('A=kept\r\x10\x11');
    expect(await within('the end', terminal.ended)).toBe(0);
    expect(terminal.shown).toMatch(/detached; a goes on/);
    expect(await podctl.output('ps', '-q', '--state', 'running')).toBe('a\n');
    const again = open(ground, Terminal.podctl(['attach', '--detach-keys', 'ctrl-]', 'a'], podctl.env));
    again.type('\r');
    await again.shows(/:> /);
    again.type('echo $A $((1 + 1))\r');
    await again.shows(/kept 2\r+\n/);
    again.type('\x1d');
    expect(await within('the end', again.ended)).toBe(0);
    await podctl.remove('a');
  });

  test('exec -it has a terminal of its own', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('a');
    const terminal = open(
      ground,
      Terminal.podctl(['exec', '-it', '-e', 'PS1=:> ', 'a', 'sh'], podctl.env, 90, 20),
    );
    await terminal.shows(PROMPT);
    terminal.type('stty size; tty\r');
    await terminal.shows(/20 90\r+\n\/dev\/pts\/\d+\r+\n/);
    terminal.type('exit 3\r');
    expect(await within('the end', terminal.ended)).toBe(3);
    await podctl.remove('a');
  });

  test('the terminal is given back after an end', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const run = podctl.words('run', '-it', '--rm', '-e', "'PS1=:> '").join(' ');
    const normal = open(ground, Terminal.shell(`podctl ${run} sh; stty -a; echo over`, podctl.env));
    await normal.shows(PROMPT);
    normal.type('exit\r');
    await normal.shows(/over/);
    expect(modes(normal.shown)).toMatch(COOKED);
    expect(modes(normal.shown)).not.toMatch(/-icanon|-echo\b|-isig/);
  });

  test('the terminal is given back when the server was killed', async ({ ground }) => {
    const own = [
      'run',
      '-it',
      '--runtime',
      ground.runtime.path,
      ...inCgroup(ground),
      '-e',
      "'PS1=:> '",
      rootfs(),
      '--',
      'sh',
    ].join(' ');
    const killed = open(
      ground,
      Terminal.shell(`podctl ${own}; echo ended $?; stty -a; echo over`, environment(ground)),
    );
    await killed.shows(PROMPT);
    for (const pid of serversOf(ground)) process.kill(pid, 'SIGKILL');
    await killed.shows(/over/);
    expect(killed.shown).toMatch(/podctl: CONNECTION_CLOSED: [^]*ended 125/);
    expect(modes(killed.shown)).toMatch(COOKED);
    expect(modes(killed.shown)).not.toMatch(/-icanon|-echo\b|-isig/);
  });

  test('top draws, follows the size, and gives the screen back', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web');
    const terminal = open(ground, Terminal.podctl(['top', '--interval', '1s'], podctl.env));
    await terminal.shows(/\x1b\[\?1049h[^]*reaper: [^]*web +[^]*running[^]*\d%/);
    terminal.clear();
    terminal.resize(60, 10);
    await terminal.shows(/\x1b\[H[^]*web/);
    terminal.type('q');
    expect(await within('the end', terminal.ended)).toBe(0);
    expect(terminal.shown).toMatch(/\x1b\[\?25h\x1b\[\?1049l$/);
    await podctl.remove('web');
  });

  test('colours are for terminals that show them', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web');
    for (const [env, args, coloured] of [
      [{}, [], true],
      [{ NO_COLOR: '1' }, [], false],
      [{ TERM: 'dumb' }, [], false],
      [{}, ['--no-color'], false],
    ] as const) {
      const terminal = open(ground, Terminal.podctl(['ps', ...args], { ...podctl.env, ...env }));
      expect(await within('the end', terminal.ended)).toBe(0);
      expect(terminal.shown).toContain('running');
      expect(terminal.shown.includes('\x1b[32mrunning')).toBe(coloured);
    }
    expect(await podctl.output('ps')).not.toContain('\x1b');
    await podctl.remove('web');
  });
});

/** Ends with the test, whatever becomes of it. */
function open(ground: Ground, terminal: Terminal): Terminal {
  ground.endsFirst(() => terminal.kill());
  return terminal;
}

/** What `stty -a` has shown. */
function modes(shown: string): string {
  return shown.slice(shown.lastIndexOf('speed '));
}
