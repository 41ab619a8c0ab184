import { expect, test } from 'vitest';
import { bashScript } from '../../src/completion/bash.js';
import { fishScript } from '../../src/completion/fish.js';
import { modelOf } from '../../src/completion/tree.js';
import { zshScript } from '../../src/completion/zsh.js';
import { makeProgram } from '../../src/program.js';

test('every command and option of the tree is in every script', () => {
  const model = modelOf(makeProgram());
  const names = model.commands.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['start', 'run', 'exec', 'top', 'doctor', 'completion']));
  const [bash, zsh, fish] = [bashScript(model), zshScript(model), fishScript(model)];
  for (const { name, options } of model.commands) {
    for (const script of [bash, zsh, fish]) expect(script).toContain(name);
    for (const long of options.flatMap((option) => option.names).filter((each) => each.startsWith('--'))) {
      expect(bash).toContain(long);
      expect(zsh).toContain(`*${long}[`);
      expect(fish).toContain(`-l ${long.slice(2)}`);
    }
  }
});

test('what is completed with what', () => {
  const { commands } = modelOf(makeProgram());
  const operands = (name: string): string | undefined =>
    commands.find((each) => each.name === name)?.operands.kind;
  expect(['stop', 'logs', 'exec', 'attach', 'inspect', 'start'].map(operands)).toEqual(
    Array(6).fill('containers'),
  );
  expect(operands('validate')).toBe('directories');
  expect(operands('run')).toBe('directories');
  expect(operands('completion')).toBe('words');
  expect(operands('ps')).toBe('none');
  const state = commands
    .find(({ name }) => name === 'ps')
    ?.options.find((option) => option.names.includes('--state'));
  expect(state?.value).toEqual({ kind: 'words', words: ['creating', 'created', 'running', 'exited'] });
});
