import { PodherdError } from '../errors.js';
import type { CreateRequest, FindingInit } from '../generated/podherd.js';
import { type Clock } from './clock.js';
import { FakeContainer } from './container.js';
import type { EventStore } from './event-store.js';
import { FakeProcess } from './process.js';
import { type ContainerScript, errorOf, type FakeEnd, type FakeRequest } from './script.js';
import { signalNumber } from '../signals.js';

/** What the runtimes take for an id, and what fits a file name. */
const ID = /^[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,1023}$/;
const FIRST_PID = 1_000;

/** Chooses a container's script. */
export type ScriptMatch = string | RegExp | ((request: FakeRequest) => boolean);

/** All containers of a fake pod, and the scripts for those to come. */
export class Containers {
  readonly #events: EventStore;
  readonly #clock: Clock;
  readonly #scripts: { match: ScriptMatch; script: ContainerScript }[] = [];
  readonly #kept = new Map<string, FakeContainer>();
  /** Ids of creates that are under way. */
  readonly #reserved = new Set<string>();
  #pids = FIRST_PID;
  /** Processes that were begun. */
  spawned = 0;

  constructor(events: EventStore, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  /** The last one that matches holds. */
  script(match: ScriptMatch, script: ContainerScript): void {
    this.#scripts.unshift({ match, script });
  }

  scriptFor(request: FakeRequest): ContainerScript {
    const found = this.#scripts.find(({ match }) => {
      if (typeof match === 'function') return match(request);
      return typeof match === 'string' ? match === request.id : match.test(request.id);
    });
    return found?.script ?? {};
  }

  /** Those that are kept, in the order of their creation. */
  all(): FakeContainer[] {
    return [...this.#kept.values()];
  }

  /** @throws PodherdError `CONTAINER_NOT_FOUND` */
  get(id: string): FakeContainer {
    const container = this.#kept.get(id);
    if (container !== undefined) return container;
    throw new PodherdError('CONTAINER_NOT_FOUND', `no container ${id}`);
  }

  /** A process of its own number. */
  process(answer?: (signal: number) => FakeEnd | null): FakeProcess {
    this.spawned += 1;
    return new FakeProcess(this.#pids++, this.#clock, answer);
  }

  /** Create one. Given up, nothing of it is left. */
  async create(
    request: CreateRequest,
    signal: AbortSignal,
  ): Promise<{ pid: number; findings: FindingInit[] }> {
    const { id = '', bundlePath: bundle = '' } = request.container ?? {};
    if (!ID.test(id)) throw new PodherdError('INVALID_ID', `not a container id: ${JSON.stringify(id)}`);
    const labels = Object.fromEntries(request.labels.map(({ key, value }) => [key, value]));
    if (Object.hasOwn(labels, '') || Object.keys(labels).length < request.labels.length)
      throw new PodherdError('INVALID_ARGUMENT', 'a key of labels is empty, or there twice');
    if (this.#kept.has(id) || this.#reserved.has(id))
      throw new PodherdError('ID_IN_USE', `container ${id} exists already`);
    const script = this.scriptFor({ id, bundle, labels });
    this.#reserved.add(id);
    try {
      const findings = lookAt(script, request);
      if (script.createMs !== undefined) await this.#pass(script.createMs, signal);
      if (signal.aborted) throw new PodherdError('CANCELLED', `create of ${id} was given up`);
      if (script.failCreate !== undefined) throw errorOf(script.failCreate, `create of ${id}`);
      const init = this.process(answerOf(script));
      this.#kept.set(id, new FakeContainer(id, request, { events: this.#events, script, init }));
      return { pid: init.pid, findings };
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** Forget one, which is killed first where that was asked for. */
  async delete(id: string, force: boolean): Promise<void> {
    const container = this.get(id);
    if (!container.reached('exited')) {
      if (!force) throw new PodherdError('CONTAINER_ALIVE', `container ${id} has not ended`);
      container.kill();
      await container.until('exited');
    }
    if (!this.#kept.delete(id)) return;
    this.#events.emit(id, { which: 'deleted' });
  }

  #pass(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
}

/** What a preflight finds, if one was asked for. */
function lookAt({ findings = [] }: ContainerScript, { preflight }: CreateRequest): FindingInit[] {
  if (preflight !== 'warn' && preflight !== 'enforce') return [];
  const error = findings.find(({ severity }) => severity === 'error');
  if (preflight === 'enforce' && error !== undefined)
    throw new PodherdError('PREFLIGHT_FAILED', `${error.code} at ${error.place}: ${error.message}`);
  return findings.map((finding) => ({ ...finding }));
}

/** How a container ends by a signal. */
function answerOf({ ignores = [], onSignal = {} }: ContainerScript): (signal: number) => FakeEnd | null {
  const ends = new Map(
    Object.entries(onSignal).map(([name, end]) => [signalNumber(name as NodeJS.Signals), end]),
  );
  const ignored = ignores === true ? null : new Set(ignores.map(signalNumber));
  return (signal) => ends.get(signal) ?? (ignored === null || ignored.has(signal) ? null : { signal });
}
