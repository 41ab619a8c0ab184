/** The part of pino's logger that this package calls. Pass a pino instance, or anything alike. */
export interface Logger {
  /** What only helps to find a fault. */
  debug(fields: object, message: string): void;
  /** What is worth knowing. */
  info(fields: object, message: string): void;
  /** What should be looked at. */
  warn(fields: object, message: string): void;
  /** What went wrong. */
  error(fields: object, message: string): void;
}

/** Levels of pino, the least important first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Whether and where this package logs. */
export interface LoggingOptions {
  /** Takes what this package has to say. Without it and without `logLevel` it says nothing. */
  logger?: Logger | undefined;
  /** Log to standard error from this level on, with a pino instance of this package's own. */
  logLevel?: LogLevel | undefined;
}

const SILENT: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** The logger for these options; pino is loaded only when it is asked for. */
export async function makeLogger(options: LoggingOptions): Promise<Logger> {
  if (options.logger !== undefined) return options.logger;
  if (options.logLevel === undefined) return SILENT;
  const { pino } = await import('pino');
  const logger: Logger = pino({ name: 'podherd', level: options.logLevel }, pino.destination(2));
  return logger;
}

function ignore(): void {}
