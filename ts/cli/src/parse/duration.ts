import { UsageFailure } from '../failure.js';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of a duration: "500ms", "10s", "1m30s", "1.5h"; a bare number is of seconds.
 *
 * @throws UsageFailure for anything else
 */
export function parseDuration(text: string): number {
  const bare = /^\d+(\.\d+)?$/.test(text);
  const parts = [...(bare ? `${text}s` : text).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const whole = parts.map(([part]) => part).join('');
  if (parts.length === 0 || whole !== (bare ? `${text}s` : text)) {
    throw new UsageFailure(
      `${JSON.stringify(text)} is no duration`,
      'durations look like 500ms, 10s, 1m30s, 2h',
    );
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (MILLISECONDS[unit ?? ''] ?? 0), 0);
}
