const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people: three figures at the most, and a unit. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '-';
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Bytes a second. */
export function rate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? '-' : `${bytes(bytesPerSecond)}/s`;
}

/** A stretch of time for people: its two largest units. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))}ms`;
  const seconds = Math.floor(milliseconds / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const [one, two] = [parts[first], parts[first + 1]];
  return [one, two]
    .map((part) => (part === undefined || part[0] === 0 ? '' : `${part[0]}${part[1]}`))
    .join('');
}

/** How long ago a moment is. */
export function age(date: Date | null | undefined, now: number = Date.now()): string {
  return date === null || date === undefined ? '-' : duration(Math.max(0, now - date.getTime()));
}

/** A share of one CPU or of a limit. */
export function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)}%`;
}
