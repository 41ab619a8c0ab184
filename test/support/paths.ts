import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Root of the repository. */
export const repository = resolve(import.meta.dirname, '../..');

/** Where cargo builds: its own variable decides, as for cargo. */
export const cargoTarget = process.env['CARGO_TARGET_DIR'] ?? join(repository, 'target');

/** The programs of test/fixtures. */
export type FixtureName =
  | 'noop-runtime'
  | 'odd-runtime'
  | 'workload'
  | 'nursery'
  | 'cri-log'
  | 'fd-client'
  | 'packet-peer'
  | 'attach-client'
  | 'tcp-server';

/** Targets for which the fixtures are built statically, the wanted one first. */
export const staticTargets = ['x86_64-unknown-linux-musl', 'x86_64-unknown-linux-gnu'] as const;

/** Path of a fixture. The suite's global setup has built it. */
export function fixture(name: FixtureName): string {
  for (const target of staticTargets) {
    const path = join(cargoTarget, target, 'release', name);
    if (existsSync(path)) return path;
  }
  throw new Error(`${name} is not built: run the suite through vitest, or build podherd-fixtures`);
}

/** The server under test. */
export const serverBinary =
  process.env['PODHERD_SERVER'] ??
  join(process.env['CARGO_TARGET_DIR'] ?? join(repository, 'target'), 'debug/podherd');

/** Which protocol the server speaks beyond the compatible one: flags and methods of ours need `podherd`. */
export const serverKind: 'podherd' | 'conmon-rs' =
  process.env['PODHERD_SERVER_KIND'] === 'conmon-rs' ? 'conmon-rs' : 'podherd';

/** Whether every volume is run at its full count. */
export const full = process.env['PODHERD_TEST_FULL'] === '1';

/** Whether this runs in the guest of `in-guest`, which is slow. */
export const inGuest = process.env['PODHERD_TEST_GUEST'] === '1';
