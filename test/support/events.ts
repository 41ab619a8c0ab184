import {
  type Event,
  type EventStartInit,
  type EventWatchClient,
  serveEventSink,
} from '../../ts/client/src/generated/podherd.js';
import { answered, type Connection } from './connection.js';
import { within } from './until.js';

/** What a test does before its sink answers a call. */
export type Slow = (call: number) => Promise<void>;

/** All that one watch was told. */
export class EventLog {
  /** In the order in which they came. */
  readonly events: Event[] = [];
  /** How many events each call of the sink had, and how many before them were lost. */
  readonly calls: { events: number; lost: bigint }[] = [];
  /** What the server answered to the watch. */
  instance = '';
  nextSequence = 0n;
  resumed = false;
  /** Whether the server has called the sink before it answered. */
  early = false;
  #watch: EventWatchClient | undefined;
  #told: () => void = () => {};

  static async watch(
    connection: Connection,
    start: EventStartInit = { which: 'now' },
    slow?: Slow,
  ): Promise<EventLog> {
    const log = new EventLog();
    const sink = serveEventSink({
      push: async ({ events, lost }) => {
        log.early ||= log.#watch === undefined;
        log.events.push(...events);
        const call = log.calls.push({ events: events.length, lost });
        log.#told();
        await slow?.(call);
      },
    });
    const { watch, instance, nextSequence, resumed } = await within(
      'the watch',
      connection.podherd.watchEvents({ sink, start }),
    );
    log.#watch = answered(watch);
    Object.assign(log, { instance, nextSequence, resumed });
    return log;
  }

  /** Ends the watch. */
  release(): void {
    this.#watch?.[Symbol.dispose]();
  }

  /** The number after the last event that came. */
  get next(): bigint {
    const last = this.events.at(-1);
    return last === undefined ? this.nextSequence : last.sequence + 1n;
  }

  /** How many are known to be lost. */
  get lost(): bigint {
    return this.calls.reduce((sum, { lost }) => sum + lost, 0n);
  }

  /** Waits until the log is such that `wanted` gives something. */
  async until<T>(what: string, wanted: (log: EventLog) => T | undefined): Promise<T> {
    const found = new Promise<T>((resolve) => {
      const look = (): void => {
        const value = wanted(this);
        if (value !== undefined) resolve(value);
      };
      this.#told = look;
      look();
    });
    try {
      return await within(what, found);
    } catch (error) {
      throw new Error(`${what}: the watch was told ${JSON.stringify(this.words())}`, { cause: error });
    }
  }

  /** Waits until a container's event of this kind has come. */
  told(id: string, which: Event['which'], count = 1): Promise<Event> {
    return this.until(`${count} ${String(which)} of ${id}`, () => {
      const found = this.of(id).filter((event) => event.which === which);
      return found.length >= count ? found[count - 1] : undefined;
    });
  }

  /** A container's events. */
  of(id: string): Event[] {
    return this.events.filter(({ containerId }) => containerId === id);
  }

  /** Their kinds. */
  words(id?: string): string[] {
    return (id === undefined ? this.events : this.of(id)).map(({ which }) => String(which));
  }
}
