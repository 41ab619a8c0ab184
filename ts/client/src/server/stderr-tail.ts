import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCodedText } from '../error-from.js';
import { PodherdError } from '../errors.js';

/** Characters kept of what a server said last. */
const TAIL_LENGTH = 16 * 1024;
/** Milliseconds for the last words of a server that has ended. */
const LAST_LINE_MS = 200;

/** What a server's standard error ends with. Always read, so that the server never blocks on it. */
export class StderrTail {
  #text = '';
  readonly #closed: Promise<void>;

  constructor(stream: Readable, onLine: (line: string) => void = () => {}) {
    let partial = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      this.#text = (this.#text + chunk).slice(-TAIL_LENGTH);
      const lines = (partial + chunk).split('\n');
      partial = (lines.pop() ?? '').slice(-TAIL_LENGTH);
      for (const line of lines) onLine(line);
    });
    stream.on('error', () => {});
    this.#closed = new Promise((resolve) => stream.once('close', resolve));
  }

  get text(): string {
    return this.#text.trim();
  }

  /** The error of a server that did not start: its line `podherd: CODE: message` where it wrote one. */
  async startError(how: string): Promise<PodherdError> {
    // The last line may still be in the pipe when the exit is seen, and somebody else may hold the pipe open.
    await Promise.race([this.#closed, sleep(LAST_LINE_MS, undefined, { ref: false })]);
    const line = this.#text.split('\n').findLast((each) => each.startsWith('podherd: '));
    const said = line?.slice('podherd: '.length).trim();
    const coded = said === undefined ? null : parseCodedText(said);
    if (coded?.code === 'SERVER_RUNNING') return new PodherdError('SERVER_RUNNING', coded.message);
    const cause = coded === null ? undefined : new PodherdError(coded.code, coded.message);
    return new PodherdError(
      'SERVER_START_FAILED',
      `the server did not start: ${said ?? (this.text || how)}`,
      { cause },
    );
  }
}
