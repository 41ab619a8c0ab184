import type * as wire from '../generated/podherd.js';

/**
 * How long tasks waited for a resource: `some` of them, or all at once (`full`). Pressure stall information of the
 * kernel (Documentation/accounting/psi.rst).
 */
export interface Pressure {
  some: PressureShare;
  full: PressureShare;
}

/** How long tasks waited. */
export interface PressureShare {
  /** In all, in milliseconds. */
  totalMs: number;
  /** Percent of the last 10, 60 and 300 seconds. */
  avg10: number;
  avg60: number;
  avg300: number;
}

/** Pressure as the server sent it; null where the kernel tells none. */
export function pressureFromWire(pressure: wire.Pressure | undefined): Pressure | null {
  if (pressure?.available !== true) return null;
  return {
    some: {
      totalMs: Number(pressure.someTotalMicros) / 1_000,
      avg10: pressure.someAvg10,
      avg60: pressure.someAvg60,
      avg300: pressure.someAvg300,
    },
    full: {
      totalMs: Number(pressure.fullTotalMicros) / 1_000,
      avg10: pressure.fullAvg10,
      avg60: pressure.fullAvg60,
      avg300: pressure.fullAvg300,
    },
  };
}
