import { appendFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LogsOptions, readLogs } from '../../src/logs/logs.js';
import type { ContainerStatus } from '../../src/status.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podherd-logs-'));
  path = join(folder, 'web.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A container of which only the log and the end are known. */
function container(logPaths: string[] = [path]) {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const status = { logPaths } as ContainerStatus;
  return {
    end: () => end(),
    lifecycle: { status: () => Promise.resolve(status), wait: () => ended.then(() => status) },
  };
}

const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string =>
  `2026-11-25T01:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}Z ${stream} ${tag} ${text}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(from + i, String(from + i))).join('');

async function texts(options: LogsOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const record of readLogs(container().lifecycle, 'web', options))
    found.push(record.text.trimEnd());
  return found;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

test('rotated files are read first, in their order, and what is no log of it is not read', async () => {
  writeFileSync(`${path}.20261125-010000.000000001`, lines(0, 3));
  writeFileSync(`${path}.20261125-010000.000000002`, lines(3, 5));
  writeFileSync(`${path}.20261126-010000`, lines(5, 6));
  writeFileSync(`${path}.20261126-010000.gz`, 'compressed');
  writeFileSync(`${path}.bak`, lines(50, 60));
  writeFileSync(path, `${lines(6, 8)}2026-11-25T01:00:09Z stdout F torn`);
  expect(await texts({})).toEqual(numbers(0, 8));
});

test('the last lines are found over several files, whatever their number', async () => {
  writeFileSync(`${path}.20261125-010000.000000001`, lines(0, 3_000));
  writeFileSync(`${path}.20261125-010000.000000002`, lines(3_000, 3_002));
  writeFileSync(path, lines(3_002, 3_005));
  for (const tail of [0, 1, 3, 4, 5, 6, 2_000, 3_005, 9_999]) {
    expect(await texts({ tail })).toEqual(numbers(Math.max(0, 3_005 - tail), 3_005));
  }
});

test('a line in pieces is one line, and those of the other stream do not count', async () => {
  const long = [line(1, 'first'), line(2, 'a', 'stdout', 'P'), line(2, 'b', 'stdout', 'P'), line(3, 'c')];
  writeFileSync(path, [...long, line(4, 'x', 'stderr')].join(''));
  expect(await texts({ tail: 1 })).toEqual(['x']);
  expect(await texts({ tail: 1, stream: 'stdout' })).toEqual(['a', 'b', 'c']);
  expect(await texts({ tail: 1, stream: 'stdout', joinPartial: true })).toEqual(['abc']);
  expect(await texts({ tail: 2, joinPartial: true })).toEqual(['abc', 'x']);
});

test('a tail reads no more than it has to', async () => {
  // A hole of a gigabyte before the last lines: read through, it would take seconds and give no line.
  writeFileSync(path, '');
  const { open } = await import('node:fs/promises');
  const file = await open(path, 'r+');
  await file.write(`\n${lines(1, 4)}`, 1_000_000_000);
  await file.close();
  const started = performance.now();
  expect(await texts({ tail: 2 })).toEqual(['2', '3']);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('since and until, to the nanosecond', async () => {
  const old = `${path}.20261125-010000.000000001`;
  writeFileSync(old, lines(0, 3));
  utimesSync(old, new Date('2026-11-25T01:00:02Z'), new Date('2026-11-25T01:00:02Z'));
  writeFileSync(path, lines(3, 10));
  expect(await texts({ since: '2026-11-25T01:00:05Z' })).toEqual(numbers(5, 10));
  expect(await texts({ since: '2026-11-25T01:00:05.000000001Z' })).toEqual(numbers(6, 10));
  expect(await texts({ since: new Date('2026-11-25T01:00:02Z'), until: '2026-11-25T01:00:04Z' })).toEqual(
    numbers(2, 5),
  );
  expect(await texts({ until: Date.parse('2026-11-25T01:00:05Z'), tail: 2 })).toEqual(['4', '5']);
  expect(await texts({ since: '2027-01-01T00:00:00Z' })).toEqual([]);
});

test('following goes over rotations by the server and by others, and ends with the container', async () => {
  const { lifecycle, end } = container();
  writeFileSync(path, lines(0, 2));
  const found: string[] = [];
  const reading = (async () => {
    for await (const { text } of readLogs(lifecycle, 'web', { follow: true })) found.push(text.trimEnd());
  })();
  await expect.poll(() => found.length).toBe(2);
  appendFileSync(path, lines(2, 4));
  await expect.poll(() => found.length).toBe(4);
  // Renamed, written to all the same, and begun anew; twice before anybody looks.
  renameSync(path, `${path}.20261125-010000.000000001`);
  appendFileSync(`${path}.20261125-010000.000000001`, lines(4, 6));
  writeFileSync(path, lines(6, 8));
  renameSync(path, `${path}.20261125-010000.000000002`);
  writeFileSync(path, lines(8, 9));
  await expect.poll(() => found.length).toBe(9);
  renameSync(path, `${path}.20261125-010000.000000003`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  writeFileSync(path, lines(9, 10));
  end();
  await reading;
  expect(found).toEqual(numbers(0, 10));
});

test('following begins before there is a file, and can be aborted', async () => {
  const controller = new AbortController();
  const { lifecycle } = container();
  const records = readLogs(lifecycle, 'web', { follow: true, signal: controller.signal });
  const first = records.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  writeFileSync(path, lines(0, 1));
  expect((await first).value?.text).toBe('0\n');
  const second = records.next();
  controller.abort(new Error('enough'));
  await expect(second).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
});

test('what can not be read is said', async () => {
  const read = (logPaths: string[], options: LogsOptions = {}) =>
    readLogs(container(logPaths).lifecycle, 'web', options).next();
  await expect(read([])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await expect(read(['/no/such/web.log'])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await expect(read(['/no/such/web.log'], { follow: true })).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
  });
  await expect(read([path], { tail: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a log that is rotated more often than it is looked at is read whole, each line once', async () => {
  writeFileSync(path, '');
  const { lifecycle, end } = container();
  const found: string[] = [];
  const reading = (async () => {
    for await (const { text } of readLogs(lifecycle, 'web', { follow: true })) found.push(text.trimEnd());
  })();
  const rotations = 150;
  for (let rotation = 0; rotation < rotations; rotation++) {
    appendFileSync(path, lines(rotation * 5, rotation * 5 + 5));
    renameSync(path, `${path}.20261125-010000.${String(rotation).padStart(9, '0')}`);
    writeFileSync(path, '');
    // Between any two steps of the reader, and sometimes several at once.
    for (let turns = rotation % 7; turns > 0; turns--) await new Promise(setImmediate);
  }
  end();
  await reading;
  expect(found).toEqual(numbers(0, rotations * 5));
});
