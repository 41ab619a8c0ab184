import { UsageFailure } from '../failure.js';

/** One more `KEY=VALUE`, for options that may be repeated. */
export function collect<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), parse(text)];
}

/** A text that stays as it is. */
export function asIs(text: string): string {
  return text;
}

/** `KEY=VALUE`, or `KEY` with an empty value. */
export function parseLabel(text: string): readonly [key: string, value: string] {
  const [key, value] = split(text);
  if (key === '')
    throw new UsageFailure(`a label needs a key: ${JSON.stringify(text)}`, 'labels look like app=web');
  return [key, value ?? ''];
}

/** A label to look for: `KEY=VALUE`, or `KEY` for any value. */
export function parseLabelSelector(text: string): readonly [key: string, value: string | true] {
  const [key, value] = split(text);
  if (key === '') throw new UsageFailure(`a label needs a key: ${JSON.stringify(text)}`, 'app=web, or app');
  return [key, value ?? true];
}

/** `KEY=VALUE`, or `KEY` for the value in podctl's own environment. */
export function parseEnvironment(
  text: string,
  own: NodeJS.ProcessEnv = process.env,
): readonly [string, string] {
  const [key, value] = split(text);
  if (key === '' || key.includes('\0')) {
    throw new UsageFailure(
      `a variable needs a name: ${JSON.stringify(text)}`,
      '--env NAME=value, or --env NAME',
    );
  }
  const found = value ?? own[key];
  if (found === undefined) {
    throw new UsageFailure(`${key} is not in the environment`, `give its value: --env ${key}=value`);
  }
  return [key, found];
}

function split(text: string): [key: string, value: string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
