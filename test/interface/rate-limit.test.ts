import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { contentOf, readRecords } from '../support/container-logs.js';
import { answered } from '../support/connection.js';
import { EventLog } from '../support/events.js';
import { inGuest } from '../support/paths.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Whole lines of the workload. */
const MB = 1_000_000;
/** What an ended container's pipes still hold is read at once. */
const PIPES = 2 * 64 * 1024;

const limited = (bytesPerSecond: number, burstBytes = 0) => ({
  rateLimit: { bytesPerSecond: BigInt(bytesPerSecond), burstBytes: BigInt(burstBytes) },
});

/** The lines that `workload print` writes. */
const printed = (bytes: number): Buffer => {
  const line = (n: number): string => `${String(n).padStart(15, '0')} ${'.'.repeat(63)}\n`;
  return Buffer.from(Array.from({ length: Math.ceil(bytes / 80) }, (_, n) => line(n)).join('')).subarray(
    0,
    bytes,
  );
};

const heldBack = (log: EventLog, id: string): { holding: boolean; totalNanos: bigint; at: bigint }[] =>
  log.events.flatMap((event) =>
    event.which === 'heldBack' && event.containerId === id
      ? [
          {
            ...event.heldBack,
            at: answered(event.at).seconds * 1_000_000_000n + BigInt(answered(event.at).nanoseconds),
          },
        ]
      : [],
  );

// Case 43: conmon 84, containerd 5055 4604, openshift 20444.
forEachRuntime('a container with a rate limit', (test) => {
  test('is held back, loses nothing, and holds up nobody else', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const [total, rate, burst] = inGuest ? [8 * MB, 4 * MB, MB] : [64 * MB, 8 * MB, 4 * MB];
    const other = ['workload', 'print', 'stdout', String(4 * MB)];
    const began = performance.now();
    const flood = await ground.run({
      args: ['workload', 'print', 'stdout', String(total)],
      settings: limited(rate, burst),
    });
    const free = await ground.run({ args: other });
    expect(await free.exit()).toBe(0);
    const during = await connection.status(flood.id);
    expect(during.state).not.toBe('exited');
    expect(contentOf(readRecords(free.logPath, 'containerRuntimeInterface')).equals(printed(4 * MB))).toBe(
      true,
    );

    const end = await connection.statusAtEnd(flood.id);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThanOrEqual(((total - burst - PIPES) / rate) * 1000);
    expect(end.exit).toMatchObject({ exitCode: 0, logComplete: true });
    expect(contentOf(readRecords(flood.logPath, 'containerRuntimeInterface')).equals(printed(total))).toBe(
      true,
    );

    // It is told once, with its end before that of the container.
    await log.until('its end', ({ events }) =>
      events.find(({ which, containerId }) => which === 'exited' && containerId === flood.id),
    );
    const held = heldBack(log, flood.id);
    expect(held.map(({ holding }) => holding)).toEqual(Array.from(held, (_, n) => n % 2 === 0));
    expect(held[0]).toMatchObject({ holding: true, totalNanos: 0n });
    expect(held.at(-1)).toMatchObject({ holding: false, totalNanos: end.heldBackNanos });
    expect(end.heldBackNanos).toBeGreaterThan(1_000_000n);
    expect(Number(end.heldBackNanos) / 1e6).toBeLessThanOrEqual(tookMs);
    // Beginnings are a second apart at least: one ends when nothing was held for so long.
    const begins = held.filter(({ holding }) => holding).map(({ at }) => at);
    for (const [n, at] of begins.slice(1).entries()) expect(at - begins[n]!).toBeGreaterThan(990_000_000n);
    expect(heldBack(log, free.id)).toEqual([]);
    log.release();
  });

  test('shares the limit between its streams, and neither starves', async ({ ground }) => {
    const { connection } = await ground.server();
    const bytes = 400_000;
    const script = `workload print stdout ${bytes} & workload print stderr ${bytes}; wait`;
    const began = performance.now();
    const container = await ground.run({ args: ['sh', '-c', script], settings: limited(400_000, 1) });
    const { exit } = await connection.statusAtEnd(container.id);
    expect(performance.now() - began).toBeGreaterThanOrEqual(((2 * bytes - 40_000 - PIPES) / 400_000) * 1000);
    expect(exit?.logComplete).toBe(true);
    const records = readRecords(container.logPath, 'containerRuntimeInterface');
    for (const stream of ['stdout', 'stderr'])
      expect(contentOf(records, stream).equals(printed(bytes))).toBe(true);
  });

  test('that writes little is never held back', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', '50000'],
      settings: limited(100_000),
    });
    expect((await connection.statusAtEnd(container.id)).heldBackNanos).toBe(0n);
    await log.until('its end', ({ events }) => events.find(({ which }) => which === 'exited'));
    expect(heldBack(log, container.id)).toEqual([]);
    log.release();
  });

  test('ends at once when it is killed while it is held back', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', String(64 * MB)],
      // What is in its pipe alone would take a minute.
      settings: limited(1_000, 1_000),
    });
    await until('it is held back', async () => {
      const { heldBackNanos } = await connection.status(container.id);
      return heldBackNanos > 20_000_000n ? true : undefined;
    });
    const { containers } = await connection.podherd.stats({ ids: [container.id] });
    expect(containers[0]?.log.heldBackNanos).toBeGreaterThan(20_000_000n);
    const began = performance.now();
    await container.kill('KILL');
    const { exit, heldBackNanos } = await connection.statusAtEnd(container.id);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(exit).toMatchObject({ signal: 9, logComplete: true });
    // All of what was in the pipe is in the log, and it is a beginning of what would have come.
    const content = contentOf(readRecords(container.logPath, 'containerRuntimeInterface'));
    expect(content.length).toBeGreaterThanOrEqual(60_000);
    const whole = content.lastIndexOf(0x0a, content.length - 2) + 1;
    expect(content.subarray(0, whole).equals(printed(MB).subarray(0, whole))).toBe(true);
    const later = await connection.status(container.id);
    expect(later.heldBackNanos).toBe(heldBackNanos);
  });

  test('has the end of a time of holding back told while it lives on', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', '300000', 'then', 'pause'],
      settings: limited(200_000, 1),
    });
    await log.until('both are told', () => (heldBack(log, container.id).length >= 2 ? true : undefined));
    const [begun, ended] = heldBack(log, container.id);
    expect([begun?.holding, ended?.holding]).toEqual([true, false]);
    expect((await connection.status(container.id)).heldBackNanos).toBe(ended?.totalNanos);
    expect(ended?.totalNanos).toBeGreaterThan(100_000_000n);
    log.release();
  });

  test('with a terminal is held back too', async ({ ground }) => {
    const { connection } = await ground.server();
    const began = performance.now();
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', '300000'],
      terminal: true,
      settings: limited(200_000, 1),
    });
    const { exit } = await connection.statusAtEnd(container.id);
    expect(performance.now() - began).toBeGreaterThanOrEqual(((300_000 - 20_000 - PIPES) / 200_000) * 1000);
    expect(exit?.exitCode).toBe(0);
    const text = readFileSync(container.logPath, 'utf8');
    expect(text.split('\n').length - 1).toBe(300_000 / 80);
  });
});
