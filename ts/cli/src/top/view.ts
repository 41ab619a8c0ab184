import { stripVTControlCharacters } from 'node:util';
import type { ContainerStats, ContainerStatus } from '@podherd/client';
import type { Paint } from '../output/colour.js';
import { type Column, tableLines } from '../output/table.js';
import { cut, printable, widthOf } from '../output/text.js';
import { age, bytes, percent, rate } from '../output/units.js';
import type { Rates } from '../stats/rates.js';
import { outcome } from '../status-text.js';
import type { Look } from './look.js';

/** What a look is shown in. */
export interface Frame {
  /** Columns; null: as many as are needed. */
  readonly width: number | null;
  /** Lines; null: as many as are needed. */
  readonly height: number | null;
  readonly paint: Paint;
}

/** Ends that are shown at the bottom, if there is room. */
const ENDS = 5;

interface Row {
  readonly status: ContainerStatus;
  readonly stats: ContainerStats | undefined;
  readonly rates: Rates | undefined;
}

/** The lines of a screen: the server, its containers, the last ends. */
export function topLines(look: Look, frame: Frame): string[] {
  const { width, height, paint } = frame;
  const head = headLines(look, paint);
  const rows = rowsOf(look).filter(({ status }) => status.exit === null);
  const ended = look.containers.filter(({ exit }) => exit !== null).sort(byEnd);
  const table = tableLines(columns(look, paint), rows, width);
  const [titles = '', ...body] = table;
  const endLines = ended.slice(0, ENDS).map((status) => endLine(status, look, paint));
  const bottom = endLines.length === 0 ? [] : ['', paint('bold', 'LAST ENDS'), ...endLines];
  const room = height === null ? Infinity : Math.max(1, height - head.length - 2);
  const forBottom = Math.max(0, Math.min(bottom.length, room - Math.min(body.length, Math.ceil(room / 2))));
  const shown = body.slice(0, Math.max(0, room - forBottom));
  const hidden = body.length - shown.length;
  if (hidden > 0) shown.splice(-1, 1, paint('dim', `… and ${hidden + 1} more`));
  const empty = rows.length === 0 ? [paint('dim', 'no container lives')] : shown;
  const lines = [...head, '', paint('reverse', fill(titles, width)), ...empty, ...bottom.slice(0, forBottom)];
  const fitting = height === null ? lines : lines.slice(0, height);
  return width === null
    ? fitting
    : fitting.map((line) => (widthOf(line) > width ? cutPlain(line, width) : line));
}

function headLines({ server, containers, stats, reaper, serverCpus, at }: Look, paint: Paint): string[] {
  const of = (state: ContainerStatus['state']): number =>
    containers.filter((each) => each.state === state).length;
  const zombies = `${reaper.zombiesNow} zombies`;
  const runtime = [server.runtimeName, server.runtimeVersion].filter((text) => text !== '').join(' ');
  return [
    `${paint('bold', `podherd ${server.version}`)}, pid ${server.processId}, ${printable(server.runtimeDir)}` +
      `${runtime === '' ? '' : `, ${printable(runtime)}`}   ${at.toTimeString().slice(0, 8)}`,
    `containers: ${of('running')} running, ${of('created')} created, ${of('exited')} exited, ${stats.server.execs} execs`,
    `server: ${percent(serverCpus)} CPU, ${bytes(stats.server.residentBytes)}, ` +
      `${stats.server.descriptors} descriptors, ${stats.server.connections} connections`,
    `reaper: ${reaper.spawned} spawned, ${reaper.reaped} reaped, ${reaper.orphans} orphans, ` +
      `${reaper.zombiesNow > 0 ? paint('red', zombies) : zombies}, longest ${milliseconds(reaper.longestZombieNanos)}`,
  ];
}

function rowsOf({ containers, stats, rates }: Look): Row[] {
  const byId = new Map(stats.containers.map((each) => [each.id, each]));
  const rows = containers.map((status) => ({
    status,
    stats: byId.get(status.id),
    rates: rates.get(status.id),
  }));
  // Stable: those that do equally much stay in the order of their creation.
  return rows.sort((a, b) => (b.rates?.cpus ?? 0) - (a.rates?.cpus ?? 0));
}

function columns(look: Look, paint: Paint): Column<Row>[] {
  const now = look.at.getTime();
  return [
    { title: 'ID', value: ({ status }) => printable(status.id), cuttable: true },
    {
      title: 'STATE',
      value: ({ status }) => status.state,
      paint: (cell, { status }) => (status.state === 'running' ? paint('green', cell) : cell),
    },
    { title: 'CPU', value: ({ rates }) => percent(rates?.cpus ?? null), align: 'right' },
    { title: 'MEMORY', value: ({ stats }) => bytes(stats?.memory.workingSetBytes), align: 'right' },
    { title: 'LIMIT', value: ({ stats }) => bytes(stats?.memory.limitBytes), align: 'right' },
    { title: 'PIDS', value: ({ stats }) => String(stats?.pids.current ?? '-'), align: 'right' },
    { title: 'LOG', value: ({ rates }) => rate(rates?.logBytes ?? null), align: 'right' },
    { title: 'PID', value: ({ status }) => String(status.pid ?? '-'), align: 'right' },
    { title: 'UP', value: ({ status }) => age(status.startedAt?.date, now), align: 'right' },
  ];
}

function endLine(status: ContainerStatus, { at }: Look, paint: Paint): string {
  const how = outcome(status);
  const painted = status.exit?.exitCode === 0 ? how : paint('red', how);
  return `${printable(cut(status.id, 32))}  ${painted}  ${age(status.exit?.exitedAt?.date, at.getTime())} ago`;
}

function byEnd(a: ContainerStatus, b: ContainerStatus): number {
  const when = (status: ContainerStatus): number => status.exit?.exitedAt?.date.getTime() ?? 0;
  return when(b) - when(a);
}

function milliseconds(nanoseconds: bigint): string {
  return `${(Number(nanoseconds) / 1e6).toFixed(1)} ms`;
}

function fill(text: string, width: number | null): string {
  return width === null ? text : text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** A line that does not fit loses its colours, so that none of them is cut in two. */
function cutPlain(line: string, width: number): string {
  return cut(stripVTControlCharacters(line), width);
}
