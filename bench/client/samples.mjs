/** The value below which a share of the samples lies: the nearest rank. */
export function quantile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Prints a line of the report. */
export function report(name, values) {
  const text = Object.entries(values).map(([label, value]) => `${label} ${value}`);
  console.log(`  ${name.padEnd(44)} ${text.join('   ')}`);
}

export const milliseconds = (value) => `${value.toFixed(3)} ms`;
