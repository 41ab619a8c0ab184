import { execFileSync } from 'node:child_process';

import { repository, staticTargets } from './paths.js';

/**
 * Builds the fixtures once before a suite: statically, since they run in containers without a libc.
 * cargo decides whether anything is to be done.
 */
export default function buildFixtures(): void {
  const [musl, gnu] = staticTargets;
  const sysroot = execFileSync('rustc', ['--print', 'target-libdir', '--target', musl], { encoding: 'utf8' });
  const hasMusl =
    execFileSync('sh', ['-c', 'ls "$0" 2>/dev/null || true', sysroot.trim()], { encoding: 'utf8' }) !== '';
  const target = hasMusl ? musl : gnu;
  const flags = hasMusl ? {} : { RUSTFLAGS: '-C target-feature=+crt-static' };
  execFileSync(
    'cargo',
    ['build', '--quiet', '--release', '--bins', '-p', 'podherd-fixtures', '--target', target],
    {
      cwd: repository,
      env: { ...process.env, ...flags },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
}
