import { Writable } from 'node:stream';
import { PodherdError } from '../errors.js';

/** Stands for the input of a container that has none: whatever is written fails. */
export class NoInput extends Writable {
  readonly #id: string;

  constructor(id: string) {
    super();
    this.#id = id;
    this.on('error', () => {});
  }

  override _write(
    _chunk: unknown,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    callback(new PodherdError('INVALID_ARGUMENT', `${this.#id} has no input: create it with stdin`));
  }
}
