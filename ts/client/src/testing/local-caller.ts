import {
  type CallContext,
  type Caller,
  CapabilityClient,
  type EncodedStruct,
  encodeStruct,
  InvalidValueError,
  LocalCapability,
  type MethodDescriptor,
  type StructCodec,
} from '../capnp/index.js';
import { decodeStruct, writeStructPointer } from '../capnp/message.js';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { SessionCallerOptions } from '../rpc/caller.js';
import { Deadline, within } from '../rpc/deadline.js';
import { DEFAULT_CALL_TIMEOUT_MS } from '../rpc/session.js';
import type { LocalLink } from './local-link.js';

/** What handlers of the fake server are told of a call, beside what a real connection tells. */
export interface LocalContext {
  /** Aborts when the caller has given the call up. */
  readonly signal: AbortSignal;
}

const releases = new WeakMap<LocalCapability<never>, () => void>();

/** Have something done when the other side lets go of an object, or loses its connection. */
export function onRelease(object: LocalCapability<never> | LocalCapability<object>, work: () => void): void {
  releases.set(object as LocalCapability<never>, work);
}

/**
 * Calls of an object in the same process. Params and results pass through the wire's own form, so that what a server
 * would refuse is refused, and nothing is shared between the two sides.
 */
export class LocalCaller implements Caller {
  readonly #target: LocalCapability<never>;
  readonly #link: LocalLink;
  /** Aborted by the release: the object need not be told of the connection's end then. */
  readonly #holding = new AbortController();
  #released = false;

  constructor(target: LocalCapability<never>, link: LocalLink) {
    this.#target = target;
    this.#link = link;
    const release = releases.get(target);
    if (release !== undefined) link.onEnd(release, this.#holding.signal);
  }

  async call<P, PI, R, RI>(
    method: MethodDescriptor<P, PI, R, RI>,
    params: PI,
    options: SessionCallerOptions = {},
  ): Promise<R> {
    const what = options.what ?? method.methodName;
    if (this.#released) throw new PodherdError('INVALID_ARGUMENT', `${what}: the object was released`);
    const asked = this.#pass(method.params, encode(method.params, params, method.methodName));
    this.#link.check();
    const { signal, timeoutMillis: timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
    const deadline = new Deadline(what, { signal, timeoutMs });
    const given = new AbortController();
    const lost = new Promise<never>((_, reject) => {
      this.#link.onEnd((error) => reject(error.withUnknownOutcome()), given.signal);
    });
    try {
      deadline.check();
      const answer = this.#handle(asked, { method: method, signal: given.signal });
      answer.catch(() => {});
      const results = await within(Promise.race([answer, lost]), deadline).catch((thrown: unknown) => {
        throw thrown instanceof PodherdError && thrown === deadline.error
          ? thrown.withUnknownOutcome()
          : thrown;
      });
      return this.#pass(
        method.results,
        encode(method.results, results as RI, `${method.methodName} results`),
      );
    } finally {
      deadline.stop();
      given.abort();
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#holding.abort();
    releases.get(this.#target)?.();
  }

  onLost(listener: () => void): () => void {
    const silence = new AbortController();
    this.#link.onEnd(listener, silence.signal);
    return () => silence.abort();
  }

  async #handle(params: unknown, context: CallContext & LocalContext): Promise<unknown> {
    const { interfaceId, methodId } = context.method;
    const entry = this.#target.entries.find(
      (each) => each.method.interfaceId === interfaceId && each.method.methodId === methodId,
    );
    if (entry === undefined) throw new PodherdError('UNIMPLEMENTED', 'the object does not have this method');
    // As over a connection: the answer never comes in the same turn.
    await Promise.resolve();
    try {
      return (await entry.handle(params, context)) ?? {};
    } catch (thrown) {
      const { code, message } = toPodherdError(thrown, 'INTERNAL');
      throw new PodherdError(code, message);
    }
  }

  #pass<T>(codec: StructCodec<T, never>, encoded: EncodedStruct): T {
    const bytes = new Uint8Array(8 + encoded.bytes.length);
    const view = new DataView(bytes.buffer);
    writeStructPointer(view, 0, encoded.dataWords, encoded.pointerCount, 0);
    bytes.set(encoded.bytes, 8);
    return decodeStruct(codec, [view], { segment: 0, offset: 0 }, (index) => {
      const value = encoded.capabilities[index];
      if (value instanceof CapabilityClient) return value.caller;
      return value === undefined ? undefined : new LocalCaller(value as LocalCapability<never>, this.#link);
    });
  }
}

function encode<I>(codec: StructCodec<unknown, I>, value: I, root: string): EncodedStruct {
  try {
    return encodeStruct(codec, value, root);
  } catch (cause) {
    if (!(cause instanceof InvalidValueError)) throw cause;
    throw new PodherdError('INVALID_ARGUMENT', cause.message, { cause });
  }
}
