import { execFileSync } from 'node:child_process';
import { repository } from '../support/paths.js';

/** Before all tests: build podctl and its client as their users get them. */
export default function buildPodctl(): void {
  for (const name of ['@podherd/client', 'podctl']) {
    execFileSync('npm', ['run', '--silent', 'build', '--workspace', name], {
      cwd: repository,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
}
