import type { ContainerStats } from '@podherd/client';
import type { Column } from '../output/table.js';
import { printable } from '../output/text.js';
import { bytes, duration, percent, rate } from '../output/units.js';
import type { Rates } from './rates.js';

/** A container's stats, and its rates when it was looked at before. */
export interface StatsRow {
  readonly stats: ContainerStats;
  readonly rates: Rates | null;
}

/** Rates in place of totals, as soon as there are some. */
export function statsColumns(withRates: boolean): Column<StatsRow>[] {
  return [
    { title: 'ID', value: ({ stats }) => printable(stats.id), cuttable: true },
    withRates
      ? { title: 'CPU', value: ({ rates }) => percent(rates?.cpus ?? null), align: 'right' }
      : { title: 'CPU TIME', value: ({ stats }) => duration(stats.cpu.usageMs), align: 'right' },
    { title: 'MEMORY', value: ({ stats }) => bytes(stats.memory.workingSetBytes), align: 'right' },
    { title: 'LIMIT', value: ({ stats }) => bytes(stats.memory.limitBytes), align: 'right' },
    { title: 'PIDS', value: ({ stats }) => String(stats.pids.current), align: 'right' },
    withRates
      ? { title: 'READ', value: ({ rates }) => rate(rates?.readBytes ?? null), align: 'right' }
      : { title: 'READ', value: ({ stats }) => bytes(stats.io.readBytes), align: 'right' },
    withRates
      ? { title: 'WRITTEN', value: ({ rates }) => rate(rates?.writtenBytes ?? null), align: 'right' }
      : { title: 'WRITTEN', value: ({ stats }) => bytes(stats.io.writeBytes), align: 'right' },
    withRates
      ? { title: 'LOG', value: ({ rates }) => rate(rates?.logBytes ?? null), align: 'right' }
      : { title: 'LOG', value: ({ stats }) => bytes(stats.log.bytes), align: 'right' },
  ];
}
