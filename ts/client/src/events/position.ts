import { PodherdError } from '../errors.js';

/** A place in the events of a server: that of the next event to come. */
export interface EventPosition {
  /** The life of the server in which the sequence counts (`ServerInfo.instance`). */
  instance: string;
  sequence: bigint;
}

/** A position as text, to be stored: "INSTANCE:SEQUENCE". */
export function formatPosition({ instance, sequence }: EventPosition): string {
  return `${instance}:${sequence}`;
}

/**
 * A position from its text.
 *
 * @throws PodherdError `INVALID_ARGUMENT`
 */
export function parsePosition(text: string): EventPosition {
  const [, instance, sequence] = /^([^:]+):(\d{1,20})$/.exec(text) ?? [];
  if (instance === undefined || sequence === undefined) {
    throw new PodherdError(
      'INVALID_ARGUMENT',
      `a position of events reads INSTANCE:SEQUENCE, found ${JSON.stringify(text)}`,
    );
  }
  return { instance, sequence: BigInt(sequence) };
}
