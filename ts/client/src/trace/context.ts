/**
 * A W3C trace context (https://www.w3.org/TR/trace-context/). The server makes the call's span a child of it, where it
 * exports spans.
 */
export interface TraceContext {
  /** Such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. */
  traceparent: string;
  tracestate?: string | undefined;
}

/** A context, or what gives the present one at each call; undefined: none. */
export type TraceSource = TraceContext | (() => TraceContext | undefined);

/** The context of a source. */
export function traceContext(source: TraceSource | undefined): TraceContext | undefined {
  return typeof source === 'function' ? source() : source;
}
