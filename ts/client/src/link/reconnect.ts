import { PodherdError } from '../errors.js';

/** How a lost connection is made again: after a while that doubles with each attempt that fails. */
export interface ReconnectOptions {
  /** Attempts in a row after which it is given up. Default 20, which take half a minute. */
  attempts?: number | undefined;
  /** Milliseconds before the first attempt. Default 50. */
  delayMs?: number | undefined;
  /** Longest time between two attempts, in milliseconds. Default 2,000. */
  maxDelayMs?: number | undefined;
}

export type ReconnectPolicy = Readonly<Record<keyof ReconnectOptions, number>>;

const DEFAULTS: ReconnectPolicy = { attempts: 20, delayMs: 50, maxDelayMs: 2_000 };
/** Part of a delay that is left to chance, so that the clients of a server that was restarted don't come as one. */
const JITTER = 0.2;

/** The policy for an option; null: a lost connection is the end. */
export function reconnectPolicy(
  option: boolean | ReconnectOptions | undefined,
  byDefault: boolean,
): ReconnectPolicy | null {
  const wanted = option ?? byDefault;
  if (wanted === false) return null;
  const { attempts, delayMs, maxDelayMs } = wanted === true ? {} : wanted;
  const policy = {
    attempts: attempts ?? DEFAULTS.attempts,
    delayMs: delayMs ?? DEFAULTS.delayMs,
    maxDelayMs: maxDelayMs ?? Math.max(DEFAULTS.maxDelayMs, delayMs ?? 0),
  };
  for (const [name, value] of Object.entries(policy)) {
    if (!(value >= 0)) throw new PodherdError('INVALID_ARGUMENT', `reconnect.${name} is no number: ${value}`);
  }
  return policy;
}

/** Milliseconds before an attempt; the first one has the number 0. */
export function delayBefore(attempt: number, { delayMs, maxDelayMs }: ReconnectPolicy): number {
  const delay = Math.min(delayMs * 2 ** attempt, maxDelayMs);
  return delay * (1 - JITTER * Math.random());
}
