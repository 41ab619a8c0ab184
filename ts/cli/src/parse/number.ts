import { UsageFailure } from '../failure.js';

/** A whole number of at least `least`. */
export function wholeNumber(what: string, least = 0): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw new UsageFailure(`${what} is a whole number from ${least} on, found ${JSON.stringify(text)}`);
  };
}

/** A number above 0, with fractions. */
export function positiveNumber(what: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && number > 0) return number;
    throw new UsageFailure(`${what} is a number above 0, found ${JSON.stringify(text)}`);
  };
}
