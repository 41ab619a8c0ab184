import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Before all tests: the addon. cargo decides whether anything is to be done. */
export default function buildAddon(): void {
  execFileSync(join(import.meta.dirname, '../build-addon'), { stdio: ['ignore', 'inherit', 'inherit'] });
}
