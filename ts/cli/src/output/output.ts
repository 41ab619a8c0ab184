import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { coloured, type Paint, plain, wantsColour } from './colour.js';
import { toJson } from './json.js';
import { type Column, tableLines } from './table.js';

/** How a command wants its output. */
export interface OutputOptions {
  readonly json: boolean;
  readonly colour: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** What a command prints: results on standard output, all else on standard error. */
export class Output {
  readonly json: boolean;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** Colours what goes to standard output. */
  readonly paint: Paint;
  /** Colours what goes to standard error. */
  readonly paintNote: Paint;

  constructor(options: OutputOptions, stdout = process.stdout, stderr = process.stderr) {
    this.json = options.json;
    this.stdout = stdout;
    this.stderr = stderr;
    this.paint = wantsColour(stdout, options.colour, options.env) ? coloured : plain;
    this.paintNote = wantsColour(stderr, options.colour, options.env) ? coloured : plain;
  }

  /** Columns of the terminal, or null where standard output is none. */
  get width(): number | null {
    return this.stdout.isTTY === true ? this.stdout.columns : null;
  }

  /** A line of the result. */
  print(line: string): void {
    this.stdout.write(`${line}\n`);
  }

  /** The result, or one of several, as one line of JSON. */
  printJson(value: unknown): void {
    this.print(toJson(value));
  }

  /** Bytes or text of a long result. Resolves when there is room for more. */
  async write(stream: 'stdout' | 'stderr', data: Uint8Array | string): Promise<void> {
    const to = this[stream];
    if (!to.write(data) && !to.destroyed) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          to.off('drain', done);
          to.off('close', done);
          to.off('error', done);
          resolve();
        };
        to.once('drain', done).once('close', done).once('error', done);
      });
    }
  }

  /** The result as a table. */
  printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    for (const line of tableLines(columns, rows, this.width)) this.print(line);
  }

  /** Something to know that is no result. */
  note(line: string): void {
    this.stderr.write(`${line}\n`);
  }
}

/** Resolves when all that was written before is with the kernel, or can't get there any more. */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
