import type { Caller, MethodDescriptor } from '../capnp/index.js';
import { toPodherdError } from '../error-from.js';
import { PodherdError } from '../errors.js';
import type { SessionCallerOptions } from '../rpc/caller.js';
import { DEFAULT_CALL_TIMEOUT_MS } from '../rpc/session.js';
import type { TraceSource } from '../trace/context.js';
import { containerOf, traceCall } from '../trace/diagnostics.js';
import { withTraceContext } from '../trace/metadata.js';
import type { Link } from './link.js';
import { isRepeatable } from './repeatable.js';
import { checkMethod, withNeededVersion } from './versions.js';

/**
 * The server's object over whatever session there is. A call whose connection was lost goes on over the next one where
 * it may be repeated; every request gets the trace context, and is told to who listens to `podherd:call`.
 */
export class RootCaller implements Caller {
  readonly #link: Link;
  readonly #trace: TraceSource | undefined;

  /** @param trace for calls that don't say another */
  constructor(link: Link, trace: TraceSource | undefined) {
    this.#link = link;
    this.#trace = trace;
  }

  async call<P, PI, R, RI>(
    method: MethodDescriptor<P, PI, R, RI>,
    params: PI,
    options: SessionCallerOptions = {},
  ): Promise<R> {
    const traced = withTraceContext(method, params, options.trace ?? this.#trace);
    const told = {
      method: method.methodName,
      container: containerOf(params),
      socketPath: this.#link.socketPath,
    };
    return traceCall(told, () => this.#call(method, traced, options));
  }

  /** It lasts as long as the link. */
  release(): void {}

  async #call<P, PI, R, RI>(
    method: MethodDescriptor<P, PI, R, RI>,
    params: PI,
    options: SessionCallerOptions,
  ): Promise<R> {
    const end = performance.now() + (options.timeoutMillis ?? DEFAULT_CALL_TIMEOUT_MS);
    const what = options.what ?? method.methodName;
    for (let rest = options; ;) {
      // Nothing is awaited where there is a connection: calls are sent in the order in which they are made.
      const root =
        this.#link.root ??
        (await this.#link.connected(what, {
          signal: rest.signal,
          timeoutMs: Math.max(0, end - performance.now()),
        }));
      // A sink that an old server would be sent is better not made.
      if (method.interfaceName === 'Podherd') checkMethod(this.#link.info, method.methodName);
      try {
        return await root.call(method, params, rest);
      } catch (thrown) {
        const error = toPodherdError(thrown);
        if (!this.#mayGoOn(method.methodName, error))
          throw withNeededVersion(error, method.methodName, this.#link.info);
      }
      rest = { ...options, timeoutMillis: Math.max(0, end - performance.now()) };
    }
  }

  /** What was not sent may be sent anew, whatever it is. */
  #mayGoOn(methodName: string, error: PodherdError): boolean {
    if (error.code !== 'CONNECTION_CLOSED' && error.code !== 'PROTOCOL_ERROR') return false;
    if (error.code === 'PROTOCOL_ERROR' && this.#link.root !== null) return false;
    return this.#link.goesOn && (isRepeatable(methodName) || !error.outcomeUnknown);
  }
}
