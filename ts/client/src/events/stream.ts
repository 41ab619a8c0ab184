import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { Event, EventStartInit, PodherdClient } from '../generated/podherd.js';
import { needsNewer } from '../link/versions.js';
import { onAbort } from '../rpc/abort-signal.js';
import type { CallOptions } from '../rpc/deadline.js';
import type { PodEvent } from './event.js';
import { eventFromWire } from './from-wire.js';
import type { EventPosition } from './position.js';
import { Queue } from './queue.js';
import { Watch, type WatchAnswer } from './watch.js';

/** From where on to watch. The signal ends the stream, whenever it aborts, with `ABORTED`. */
export interface EventsOptions extends Pick<CallOptions, 'signal' | 'trace'> {
  /**
   * `now` (default): what happens from now on. `oldest`: with all that the server keeps. A position: from there on,
   * and a gap is told where that can't be had.
   */
  from?: 'now' | 'oldest' | EventPosition | undefined;
}

/** What a stream has to know of its connection. */
export interface EventLink {
  /** Whether a lost connection is being made again. */
  readonly goesOn: boolean;
  /** Whether there is a connection now. */
  readonly isUp: boolean;
  closed(): Promise<PodherdError | undefined>;
}

/** What was received, and where the next begins. A null event is another container's. */
interface Entry {
  readonly event: PodEvent | null;
  readonly next: EventPosition;
}

/**
 * Events of a pod: each once, in their order. It ends when the pod is closed, and throws `CONNECTION_CLOSED` when its
 * connection is given up; one that is made again is gone on over from where it was. What is not taken is kept up to a
 * few hundred events; then the server is not asked for more, and what it does not keep becomes a gap.
 * Leaving the loop, `return` or disposing ends the watch.
 */
export class EventStream implements AsyncIterableIterator<PodEvent>, AsyncDisposable {
  readonly #client: PodherdClient;
  readonly #link: EventLink;
  readonly #from: 'now' | 'oldest' | EventPosition;
  readonly #trace: CallOptions['trace'];
  readonly #only: string | undefined;
  readonly #queue = new Queue<Entry>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #ready: Promise<void>;
  #settleReady: { resolve: () => void; reject: (error: PodherdError) => void } | null = null;
  /** After what was received; from here the next watch begins. */
  #received: EventPosition | null;
  /** After what was taken. */
  #position: EventPosition | null;

  /**
   * @internal Use `Pod.events` or `Container.events`.
   * @param client null for a server without our interface
   * @param only id of the container that it is about
   */
  constructor(client: PodherdClient | null, link: EventLink, options: EventsOptions, only?: string) {
    this.#link = link;
    this.#from = options.from ?? 'now';
    this.#trace = options.trace;
    this.#only = only;
    this.#received = this.#position = typeof this.#from === 'string' ? null : { ...this.#from };
    this.#ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Who does not ask for it learns of the error from the iteration.
    this.#ready.catch(() => {});
    this.#client = client as PodherdClient;
    this.#running = client === null ? this.#end(needsNewer(null, 'events')) : this.#run(options.signal);
  }

  /**
   * Resolves when the server watches: what happens from then on is told.
   *
   * @throws PodherdError `UNIMPLEMENTED` on a server without events; what ends the stream, should that be before
   */
  ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * Of the next event to come: stored when an event was dealt with, it is where to go on (`from`).
   *
   * @throws PodherdError `INVALID_ARGUMENT` before the stream is `ready`, unless it began with a position
   */
  get position(): EventPosition {
    if (this.#position !== null) return { ...this.#position };
    throw new PodherdError(
      'INVALID_ARGUMENT',
      'the position of these events is not known yet: await ready()',
    );
  }

  /** The next event, when there is one; done when the stream has ended. */
  async next(): Promise<IteratorResult<PodEvent, undefined>> {
    for (let entry; (entry = await this.#queue.take()) !== undefined;) {
      this.#position = entry.next;
      if (entry.event !== null) return { done: false, value: entry.event };
    }
    return { done: true, value: undefined };
  }

  /** End the watch. What was not taken is dropped. */
  async return(): Promise<IteratorResult<PodEvent, undefined>> {
    this.#queue.end(undefined, 'drop');
    this.#stop.abort();
    await this.#running;
    return { done: true, value: undefined };
  }

  /** Itself: events are taken once, however many loops take them. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** As `return`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #run(signal: AbortSignal | undefined): Promise<void> {
    const abort = (): void => {
      this.#queue.end(
        new PodherdError('ABORTED', 'the events were aborted', { cause: signal?.reason }),
        'drop',
      );
      this.#stop.abort();
    };
    if (signal?.aborted === true) abort();
    const letGo = signal === undefined ? () => {} : onAbort(signal, abort);
    try {
      while (!this.#stop.signal.aborted) await this.#watch();
      await this.#end(
        signal?.aborted === true ? new PodherdError('ABORTED', 'the events were aborted') : undefined,
      );
    } catch (thrown) {
      await this.#end(toPodherdError(thrown));
    } finally {
      letGo();
    }
  }

  /** Watch over one connection, until it is lost. */
  async #watch(): Promise<void> {
    const handlers = {
      begin: (answer: WatchAnswer) => this.#begin(answer),
      take: (events: readonly Event[], lost: bigint) => this.#take(events, lost),
    };
    let watch: Watch;
    try {
      const call = { signal: this.#stop.signal, trace: this.#trace };
      watch = await Watch.begin(this.#client, this.#start(), handlers, call);
    } catch (thrown) {
      const error = toPodherdError(thrown);
      if (this.#stop.signal.aborted) return;
      if (error.code === 'CONNECTION_CLOSED') return this.#lost(error);
      // A server that is away for longer than a call may take is waited for as long as the link does.
      if (error.code === 'TIMEOUT' && this.#link.goesOn && !this.#link.isUp) return;
      throw error;
    }
    await watch.lost(this.#stop.signal);
    watch.end();
    if (!this.#stop.signal.aborted) await this.#lost(undefined);
  }

  /** Returns where another connection is being made. */
  async #lost(error: PodherdError | undefined): Promise<void> {
    if (this.#link.goesOn) return;
    const why = await this.#link.closed();
    if (why !== undefined) throw error ?? why;
    this.#stop.abort();
  }

  #start(): EventStartInit {
    if (this.#received !== null) return { which: 'sequence', ...this.#received };
    return { which: this.#from === 'oldest' ? 'oldest' : 'now' };
  }

  #begin({ instance, nextSequence, resumed }: WatchAnswer): void {
    const asked = this.#received;
    if (asked === null) {
      this.#received = { instance, sequence: this.#from === 'oldest' ? 1n : nextSequence };
      this.#position ??= this.#received;
    } else if (!resumed && asked.instance !== instance) {
      this.#received = { instance, sequence: 1n };
      const gap: PodEvent = { type: 'gap', lost: 0n, instance, reason: 'otherInstance' };
      void this.#queue.put([{ event: gap, next: this.#received }]);
    }
    this.#settleReady?.resolve();
    this.#settleReady = null;
  }

  #take(events: readonly Event[], lost: bigint): Promise<void> {
    const { instance, sequence } = this.#received ?? { instance: '', sequence: 1n };
    const first = events[0]?.sequence ?? sequence + lost;
    const entries: Entry[] = [];
    if (lost > 0n) {
      const event: PodEvent = { type: 'gap', lost, instance, reason: 'behind' };
      entries.push({ event, next: { instance, sequence: first } });
    }
    for (const each of events) {
      const mine = this.#only === undefined || each.containerId === this.#only;
      const event = mine ? eventFromWire(each, instance) : null;
      entries.push({ event, next: { instance, sequence: each.sequence + 1n } });
    }
    this.#received = entries.at(-1)?.next ?? this.#received;
    return this.#queue.put(entries);
  }

  #end(error: PodherdError | undefined): Promise<void> {
    this.#queue.end(error, 'keep');
    this.#settleReady?.reject(error ?? new PodherdError('CONNECTION_CLOSED', 'the events have ended'));
    this.#settleReady = null;
    return Promise.resolve();
  }
}
