import type { FileHandle } from 'node:fs/promises';

/** Bytes of one read. */
const READ_BYTES = 65_536;
const NEWLINE = 0x0a;

/** Reads the lines of a file from an offset on, as far as it was written. */
export class LineReader {
  readonly #handle: FileHandle;
  #offset: number;
  /** Read, and not a whole line yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(handle: FileHandle, offset = 0) {
    this.#handle = handle;
    this.#offset = offset;
  }

  /** The lines that are there by now, each with its newline. A torn one at the end is kept for the next time. */
  async *lines(): AsyncGenerator<Buffer, void, undefined> {
    await this.#minded();
    for (;;) {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await this.#handle.read(buffer, 0, READ_BYTES, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const read = buffer.subarray(0, bytesRead);
      const all = this.#rest.length === 0 ? read : Buffer.concat([this.#rest, read]);
      let from = 0;
      for (let at; (at = all.indexOf(NEWLINE, from)) >= 0; from = at + 1) yield all.subarray(from, at + 1);
      this.#rest = all.subarray(from);
    }
  }

  /** A file that has become shorter was truncated by logrotate's `copytruncate`. */
  async #minded(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size >= this.#offset) return;
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
  }
}

/** The lines of a file from its end to its beginning, each with its offset; a torn one at the end is left out. */
export async function* linesBackwards(
  handle: FileHandle,
): AsyncGenerator<{ readonly line: Buffer; readonly offset: number }, void, undefined> {
  let { size: start } = await handle.stat();
  /** What was read and not given yet: it begins at `start`. */
  let rest: Buffer = Buffer.alloc(0);
  let whole = false;
  while (start > 0) {
    const length = Math.min(READ_BYTES, start);
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await handle.read(buffer, 0, length, start - length);
    if (bytesRead < length) return;
    start -= length;
    rest = Buffer.concat([buffer, rest]);
    if (!whole) {
      const end = rest.lastIndexOf(NEWLINE) + 1;
      if (end === 0) continue;
      rest = rest.subarray(0, end);
      whole = true;
    }
    for (let at; rest.length > 1 && (at = rest.lastIndexOf(NEWLINE, rest.length - 2)) >= 0;) {
      yield { line: rest.subarray(at + 1), offset: start + at + 1 };
      rest = rest.subarray(0, at + 1);
    }
  }
  if (whole && rest.length > 0) yield { line: rest, offset: 0 };
}
