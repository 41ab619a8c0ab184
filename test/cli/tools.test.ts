import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { run } from '../support/run.js';
import { withoutRuntime } from '../support/suite.js';
import { Podctl, podctlCommand } from './podctl.js';

withoutRuntime('podctl validate, doctor and completion', (test) => {
  test('validate tells what is wrong with a bundle, and ends with 1', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const broken = ground.path('broken');
    mkdirSync(broken);
    writeFileSync(`${broken}/config.json`, '{"ociVersion":"1.0.2"}');
    const told = await podctl.run(['validate', broken]);
    expect(told).toMatchObject({ code: 1, stderr: '' });
    expect(told.stdout).toMatch(/^error PROCESS_MISSING \/process\n {2}\S/m);
    const { findings } = JSON.parse((await podctl.run(['validate', '--json', broken])).stdout) as {
      findings: { code: string }[];
    };
    expect(findings.map(({ code }) => code)).toContain('PROCESS_MISSING');
    const sound = ground.bundle('sound', { args: ['true'] });
    expect(await podctl.run(['validate', sound])).toEqual({ code: 0, stdout: 'nothing found\n', stderr: '' });
  });

  test('doctor is the one of the server, with its arguments and its exit code', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const scope = ['--only-given', '--below', String(podctl.server.nursery.pid)];
    const { code, stdout } = await podctl.run(['doctor', '--json', '--', ...scope]);
    expect(JSON.parse(stdout)).toMatchObject({ healthy: true });
    expect(code).toBe(0);
    expect((await podctl.run(['doctor', '--', '--no-such-flag'])).code).toBe(2);
  });

  test('bash completes commands, options, choices and ids of containers', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web');
    const script = ground.path('completion.bash');
    const [node, main] = podctlCommand;
    const { runtimeDir } = podctl.server.watched;
    const lines = [
      `podctl() { '${node}' '${main}' "$@"; }`,
      await podctl.output('completion', 'bash'),
      'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _podctl; echo "${COMPREPLY[*]}"; }',
      'try podctl st',
      'try podctl ps --st',
      'try podctl ps --state ex',
      `try podctl -d ${runtimeDir} stop w`,
    ];
    writeFileSync(script, lines.join('\n'));
    const { stdout } = await run('bash', [script]);
    expect(stdout).toBe('start stop stats\n--state\nexited\nweb\n');
    await podctl.remove('web');
  });
});
