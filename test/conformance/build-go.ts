import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

import { goTests, goTestsSource } from './go-tests.js';
import { repository } from '../support/paths.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Names of the tests in the Go module. */
    goTestNames: string[];
  }
}

/** Before all: the Go tests as one program, built anew where go finds that it has to be, and their names. */
export default function buildGo(project: TestProject): void {
  const text = (program: string, args: readonly string[], cwd?: string): string =>
    execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const go = text(join(repository, 'scripts/go-toolchain'), []).trim();
  text(go, ['test', '-c', '-o', goTests, '.'], goTestsSource);
  const names = text(goTests, ['-test.list', '.'])
    .split('\n')
    .filter((name) => name.startsWith('Test'));
  project.provide('goTestNames', names);
}
