/** What may be coloured. */
export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold' | 'reverse';

/** Colours a text, or leaves it. */
export type Paint = (colour: Colour, text: string) => string;

/** Select Graphic Rendition of ECMA-48. */
const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  reverse: [7, 27],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

export const plain: Paint = (_colour, text) => text;

export const coloured: Paint = (colour, text) => {
  const [on, off] = CODES[colour];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};

/**
 * Whether a stream gets colours: only a terminal that can show them, and nobody asked for none
 * (https://no-color.org: `NO_COLOR` that is set and not empty).
 */
export function wantsColour(
  stream: { readonly isTTY?: boolean | undefined },
  asked: boolean,
  env: NodeJS.ProcessEnv,
): boolean {
  if (!asked || stream.isTTY !== true) return false;
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
