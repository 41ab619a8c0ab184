import type * as wire from './generated/podherd.js';

/** Something that is wrong with a bundle, or may be. */
export interface Finding {
  /** `error`: the runtime will refuse it, or the command will not start. `warning`: it may fail, or can't be known. */
  severity: 'error' | 'warning';
  /** Stable; docs/preflight.md lists them. */
  code: string;
  /** A JSON pointer into config.json (RFC 6901), such as "/process/args/0"; empty: the bundle as a whole. */
  place: string;
  message: string;
}

/** Findings as the server sent them. */
export function findingsFromWire(findings: readonly wire.Finding[]): Finding[] {
  return findings.map(({ severity, code, place, message }) => ({
    severity: severity === 'error' ? 'error' : 'warning',
    code,
    place,
    message,
  }));
}
