// The round trip of a call that does next to nothing (`version`), one after the other and with 1,000 in flight.

import { quantile, report } from './samples.mjs';

const IN_FLIGHT = 1_000;
const WARM_UP = 2_000;

/** Measures and prints. */
export async function measureCalls(pod, { calls }) {
  for (let count = 0; count < WARM_UP; count++) await pod.version();
  console.log(`\nRound trip of version from Node, ${calls} calls each`);
  for (const inFlight of [1, IN_FLIGHT]) {
    const { samples, seconds } = await run(pod, calls, inFlight);
    report(`${inFlight} in flight`, {
      median: `${(quantile(samples, 0.5) * 1_000).toFixed(0)} µs`,
      p99: `${(quantile(samples, 0.99) * 1_000).toFixed(0)} µs`,
      rate: `${Math.round(calls / seconds)} calls/s`,
    });
  }
}

async function run(pod, calls, inFlight) {
  const samples = [];
  let left = calls;
  const started = performance.now();
  const one = async () => {
    while (left-- > 0) {
      const sent = performance.now();
      await pod.version();
      samples.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return { samples, seconds: (performance.now() - started) / 1_000 };
}
