/** Numbered lines of about 80 bytes, one write each, so that output lasts for many rotations. */
export const lines = (count: number): string[] => [
  'sh',
  '-c',
  `i=0; while [ $i -lt ${count} ]; do echo "line $i $0"; i=$((i+1)); done`,
  'x'.repeat(70),
];

/** What they print. */
export const expectedLines = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, n) => `line ${n} ${'x'.repeat(70)}\n`).join(''));
