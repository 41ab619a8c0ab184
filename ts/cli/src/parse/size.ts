import { UsageFailure } from '../failure.js';

/** What units stand for: powers of 1024, as everywhere that memory is given. */
const POWERS = ['', 'k', 'm', 'g', 't'] as const;

/**
 * Bytes of a size: "512", "64k", "64KiB", "1.5g", "10MB".
 *
 * @throws UsageFailure for anything else
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const power = POWERS.findIndex((unit) => unit === match?.[2]?.toLowerCase());
  const bytes = Math.floor(Number(match?.[1]) * 1024 ** power);
  if (match !== null && power >= 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageFailure(
    `${JSON.stringify(text)} is no size`,
    'sizes look like 512, 64k, 256m, 1.5g (powers of 1024)',
  );
}

/** Bytes a second: a size, with or without "/s" behind it. */
export function parseRate(text: string): number {
  const bytes = parseSize(text.replace(/\/s$/, ''));
  if (bytes > 0) return bytes;
  throw new UsageFailure(
    'a rate of nothing would hold the container back for ever',
    'rates look like 64k/s, 1m/s',
  );
}
