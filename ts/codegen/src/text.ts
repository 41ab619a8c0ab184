/** Generated text, line by line, with the indentation of its block. */
export class Lines {
  readonly #lines: string[] = [];
  #indent = '';

  add(...lines: readonly string[]): this {
    for (const line of lines) this.#lines.push(line === '' ? '' : this.#indent + line);
    return this;
  }

  /** `open`, the lines that `fill` adds, indented, and `close`. */
  block(open: string, close: string, fill: () => void): this {
    this.add(open);
    const indent = this.#indent;
    this.#indent += '  ';
    fill();
    this.#indent = indent;
    return this.add(close);
  }

  /** A documentation comment; nothing for an empty text. */
  doc(text: string): this {
    if (text === '') return this;
    const lines = text.replaceAll('*/', '*\\/').split('\n');
    if (lines.length === 1) return this.add(`/** ${lines.join('')} */`);
    return this.add('/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */');
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** A string literal in the style of this repository. */
export function quote(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}

export function id64(id: bigint): string {
  return `0x${id.toString(16)}n`;
}
