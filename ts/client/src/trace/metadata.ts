import type { AnyMethod } from '../capnp/index.js';
import type { MapEntryInit } from '../generated/conmon.js';
import { traceContext, type TraceSource } from './context.js';

/** Methods of ours whose params have no metadata. */
const WITHOUT: ReadonlySet<string> = new Set(['serverInfo', 'reaperStatus']);
/** Methods of ours whose params are one struct with the metadata in it. */
const IN_REQUEST: ReadonlySet<string> = new Set(['exec', 'attach']);

/** The part of params that may hold metadata. */
interface Holder {
  readonly metadata?: readonly MapEntryInit[];
  readonly request?: Holder;
  readonly container?: Holder;
}

/** The params of a call with the trace context in their metadata, where the schema has a place for it. */
export function withTraceContext<PI>(
  method: Pick<AnyMethod, 'interfaceName' | 'methodName'>,
  params: PI,
  source: TraceSource | undefined,
): PI {
  if (source === undefined) return params;
  const context = traceContext(source);
  if (context === undefined) return params;
  const entries = [{ key: 'traceparent', value: context.traceparent }];
  if (context.tracestate !== undefined) entries.push({ key: 'tracestate', value: context.tracestate });
  return placed(method, params as Holder, entries) as PI;
}

function placed(
  { interfaceName, methodName }: Pick<AnyMethod, 'interfaceName' | 'methodName'>,
  params: Holder,
  entries: readonly MapEntryInit[],
): Holder {
  const added = (holder: Holder | undefined): Holder => ({
    ...holder,
    metadata: [...(holder?.metadata ?? []), ...entries],
  });
  if (interfaceName === 'Conmon') return { ...params, request: added(params.request) };
  if (interfaceName !== 'Podherd' || WITHOUT.has(methodName)) return params;
  if (methodName === 'create') {
    return { ...params, request: { ...params.request, container: added(params.request?.container) } };
  }
  return IN_REQUEST.has(methodName) ? { ...params, request: added(params.request) } : added(params);
}
