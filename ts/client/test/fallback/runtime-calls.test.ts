import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RuntimeCalls } from '../../src/fallback/runtime-calls.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'podherd-root-'));
});

afterEach(() => rmSync(root, { recursive: true }));

test('a container that the runtime does not know', async () => {
  const calls = new RuntimeCalls({ path: 'runc', root });
  await expect(calls.state('nobody', [], {})).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
});

test('a runtime that is not there, and one that fails', async () => {
  const missing = new RuntimeCalls({ path: join(root, 'runc') });
  await expect(missing.run([], ['list'], {})).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
  const failing = new RuntimeCalls({ path: '/bin/false' });
  await expect(failing.run([], ['list'], {})).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
});

test('a run is killed when its time is over or its signal aborts', async () => {
  const calls = new RuntimeCalls({ path: '/bin/sleep' });
  await expect(calls.run([], ['1000'], { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    outcomeUnknown: true,
  });
  await expect(calls.run([], ['1000'], { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  await expect(calls.run([], ['1000'], { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  });
});
