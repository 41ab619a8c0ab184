/** A value that the schema does not allow. Thrown before anything of the call is sent. */
export class InvalidValueError extends TypeError {
  override readonly name = 'InvalidValueError';
  readonly code = 'INVALID_VALUE';
  /** Where the value stands, from the struct being written: `CreateContainerParams.request.envVars[2].key`. */
  readonly path: string;
  /** What the schema allows there, in words. */
  readonly expected: string;
  /** What was found there, shortened. */
  readonly found: string;

  constructor(path: string, expected: string, value: unknown) {
    const found = describe(value);
    super(`${path}: expected ${expected}, found ${found}`);
    this.path = path;
    this.expected = expected;
    this.found = found;
  }
}

/** Bytes that are no Cap'n Proto message, or one built to exhaust its reader. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  readonly code = 'MALFORMED_MESSAGE';

  constructor(reason: string) {
    super(`malformed message: ${reason}`);
  }
}

const FOUND_MAX = 64;

function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > FOUND_MAX ? `${value.slice(0, FOUND_MAX)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return `an object (${value.constructor?.name ?? 'no prototype'})`;
    default:
      return `a ${typeof value}`;
  }
}
