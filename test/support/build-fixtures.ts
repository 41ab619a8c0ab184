import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Builds the fixtures once before a suite, unless that was done outside: a guest has no compiler at hand. */
export default function buildFixtures(): void {
  if (process.env['PODHERD_TEST_FIXTURES'] === 'built') return;
  execFileSync(join(import.meta.dirname, 'build-fixtures'), { stdio: ['ignore', 'inherit', 'inherit'] });
}
