/**
 * Methods that only ask: calling one twice does what calling it once does. (`waitContainer` and `watchEvents` are
 * repeated by who calls them: for the time that is left, and from the event that was got to.)
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  'version',
  'serverInfo',
  'containerStatus',
  'listContainers',
  'reaperStatus',
  'stats',
  'validateBundle',
]);

/** Whether a call whose answer was lost with its connection may be made again. */
export function isRepeatable(methodName: string): boolean {
  return REPEATABLE.has(methodName);
}
