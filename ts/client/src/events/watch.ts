import { PodherdError } from '../errors.js';
import {
  type Event,
  type EventStartInit,
  type EventWatchClient,
  type PodherdClient,
  serveEventSink,
} from '../generated/podherd.js';
import { callerOptions } from '../rpc/caller.js';
import type { CallOptions } from '../rpc/deadline.js';

/** What a server answers to a watch. */
export interface WatchAnswer {
  readonly instance: string;
  /** Of the first event that happens after it. */
  readonly nextSequence: bigint;
  readonly resumed: boolean;
}

/** What is done with what a server tells. */
export interface WatchHandlers {
  /** Called once, before the first `take`. */
  begin(answer: WatchAnswer): void;
  /** The server sends no more before this has resolved. */
  take(events: readonly Event[], lost: bigint): Promise<void>;
}

/** A watch over one connection; whoever made it ends it. */
export class Watch {
  readonly #watch: EventWatchClient;
  readonly #silence: () => void;

  /** Begin to watch. `options` bound the way to it. */
  static async begin(
    client: PodherdClient,
    start: EventStartInit,
    handlers: WatchHandlers,
    options: CallOptions,
  ): Promise<Watch> {
    let silent = false;
    // The server may push before its answer has come, and what it pushes means nothing without that.
    let open: () => void = () => {};
    const answered = new Promise<void>((resolve) => (open = resolve));
    const silence = (): void => {
      silent = true;
      open();
    };
    const sink = serveEventSink({
      push: async ({ events, lost }) => {
        await answered;
        if (!silent) await handlers.take(events, lost);
      },
    });
    try {
      const { watch, ...answer } = await client.watchEvents(
        { sink, start },
        callerOptions('watch of events', options),
      );
      if (watch === undefined)
        throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a watch');
      handlers.begin(answer);
      open();
      return new Watch(watch, silence);
    } catch (error) {
      silence();
      throw error;
    }
  }

  private constructor(watch: EventWatchClient, silence: () => void) {
    this.#watch = watch;
    this.#silence = silence;
  }

  /** Resolves when its connection has ended, or `stopped` aborts. */
  lost(stopped: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      // It may be lost already, and `done` called before there is something to let go of.
      const hold: { letGo?: (() => void) | undefined } = {};
      const done = (): void => {
        hold.letGo?.();
        stopped.removeEventListener('abort', done);
        resolve();
      };
      hold.letGo = this.#watch.caller.onLost?.(done);
      if (stopped.aborted) done();
      else stopped.addEventListener('abort', done);
    });
  }

  /** End it. Nothing is taken any more. */
  end(): void {
    this.#silence();
    this.#watch[Symbol.dispose]();
  }
}
