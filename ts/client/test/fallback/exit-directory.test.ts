import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExitDirectory } from '../../src/fallback/exit-directory.js';
import type { ExitState } from '../../src/exit-state.js';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'podherd-exits-'));
});

afterEach(() => rmSync(parent, { recursive: true }));

test('a file that appears whole tells the end, to those who wait and to those who come later', async () => {
  const exits = await ExitDirectory.make(parent);
  const waiting = new Promise<ExitState>((resolve) => exits.onExit(resolve));
  writeFileSync(join(parent, 'elsewhere'), '42');
  renameSync(join(parent, 'elsewhere'), exits.exitPath);
  expect(await waiting).toMatchObject({ known: true, exitCode: 42, signal: null, oomKilled: false });
  expect(await new Promise<ExitState>((resolve) => exits.onExit(resolve))).toBe(exits.exit);
  await exits.dispose();
  expect(existsSync(exits.path)).toBe(false);
});

test('an empty file is no end yet', async () => {
  const exits = await ExitDirectory.make(parent);
  const waiting = new Promise<ExitState>((resolve) => exits.onExit(resolve));
  writeFileSync(exits.exitPath, '');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(exits.exit).toBeNull();
  writeFileSync(exits.oomPath, '');
  writeFileSync(exits.exitPath, '137');
  expect(await waiting).toMatchObject({ exitCode: 137, oomKilled: true });
  await exits.dispose();
});

test('whoever still waits when it is disposed is told that nobody knows', async () => {
  const exits = await ExitDirectory.make(parent);
  const waiting = new Promise<ExitState>((resolve) => exits.onExit(resolve));
  await exits.dispose();
  expect(await waiting).toMatchObject({ known: false, reason: 'status-unavailable', exitCode: null });
});
