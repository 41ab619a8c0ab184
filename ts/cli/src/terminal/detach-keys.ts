import { UsageFailure } from '../failure.js';

/** As with docker and podman. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/**
 * The bytes of keys such as "ctrl-p,ctrl-q" or "ctrl-],a"; "" for none.
 *
 * @throws UsageFailure for keys that a terminal has no single byte for
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  return Uint8Array.from(
    text.split(',').map((key) => {
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
      // ASCII: the control characters are the column above the letters.
      if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      throw new UsageFailure(
        `${JSON.stringify(key)} is no key to detach with`,
        'for example ctrl-p,ctrl-q or ctrl-]',
      );
    }),
  );
}

/** Looks for the detach keys in what is typed, and lets all else through. */
export class DetachKeys {
  readonly #keys: Uint8Array;
  /** How many of the keys were typed one after the other. Held back until it is known what comes of them. */
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What of these bytes is input. `detach`: the keys were typed, and what came after them counts no more. */
  take(bytes: Uint8Array): { input: Uint8Array; detach: boolean } {
    const keys = this.#keys;
    if (keys.length === 0) return { input: bytes, detach: false };
    const input: number[] = [];
    for (const byte of bytes) {
      while (this.#matched > 0 && byte !== keys[this.#matched]) input.push(...this.#giveUpOne());
      if (byte !== keys[this.#matched]) {
        input.push(byte);
        continue;
      }
      this.#matched += 1;
      if (this.#matched === keys.length) return { input: Uint8Array.from(input), detach: true };
    }
    return { input: Uint8Array.from(input), detach: false };
  }

  /**
   * The first of the held bytes is input after all; what follows it may be a beginning of the keys again (as in
   * Knuth, Morris and Pratt).
   */
  #giveUpOne(): number[] {
    const held = this.#keys.subarray(0, this.#matched);
    for (let rest = held.length - 1; rest >= 0; rest -= 1) {
      const tail = held.subarray(held.length - rest);
      if (tail.every((byte, at) => byte === this.#keys[at])) {
        this.#matched = rest;
        return [...held.subarray(0, held.length - rest)];
      }
    }
    return [];
  }
}
