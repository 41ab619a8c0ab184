import {
  type EventSinkClient,
  type EventStartInit,
  type EventWatchHandlers,
  serveEventWatch,
} from '../generated/podherd.js';
import type { LocalCapability } from '../capnp/index.js';
import type { EventStore } from './event-store.js';
import { onRelease } from './local-caller.js';

/** Events that are pushed at once. */
const BATCH = 64;

/** What a watch begins with, as read from the wire. */
type Start = Partial<EventStartInit> & { which: string; sequence?: bigint; instance?: string };

/** Who is told what happens, each at their own pace. */
export class Watches {
  readonly #events: EventStore;
  readonly #open = new Set<() => void>();

  constructor(events: EventStore) {
    this.#events = events;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Begin one. It ends when its object is released, when its sink fails, or with the server. */
  begin(
    sink: EventSinkClient,
    start: Start,
  ): { watch: LocalCapability<EventWatchHandlers>; nextSequence: bigint; resumed: boolean } {
    const { instance, next } = this.#events;
    const resumed = (start.instance ?? '') === '' || start.instance === instance;
    const from =
      start.which === 'sequence' && resumed ? (start.sequence ?? 1n) : start.which === 'now' ? next : 1n;
    const end = this.#pump(sink, from);
    const watch = serveEventWatch({});
    onRelease(watch, end);
    return { watch, nextSequence: next, resumed };
  }

  /** End all. */
  end(): void {
    for (const end of [...this.#open]) end();
  }

  #pump(sink: EventSinkClient, from: bigint): () => void {
    let ended = false;
    let stopWaiting: () => void = () => {};
    const end = (): void => {
      ended = true;
      stopWaiting();
      this.#open.delete(end);
    };
    this.#open.add(end);
    const run = async (): Promise<void> => {
      for (let at = from; !ended;) {
        const events = this.#events.from(at, BATCH);
        if (events.length === 0 || at >= this.#events.next) {
          await new Promise<void>((resolve) => {
            const forget = this.#events.onNext(resolve);
            stopWaiting = () => {
              forget();
              resolve();
            };
          });
          continue;
        }
        const lost = this.#events.oldest > at ? this.#events.oldest - at : 0n;
        at = (at > this.#events.oldest ? at : this.#events.oldest) + BigInt(events.length);
        await sink.push({ events, lost });
      }
    };
    run()
      .catch(() => {})
      .finally(end);
    return end;
  }
}
