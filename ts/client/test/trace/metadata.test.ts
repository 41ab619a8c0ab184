import { expect, test } from 'vitest';
import { methodsOf } from '../../src/capnp/index.js';
import { encodeStruct } from '../../src/capnp/message.js';
import { Podherd } from '../../src/generated/podherd.js';
import { withTraceContext } from '../../src/trace/metadata.js';

const context = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' };
const entries = [
  { key: 'traceparent', value: context.traceparent },
  { key: 'tracestate', value: 'a=1' },
];

test('every method of the schema gets the context where its params have a place for it', () => {
  const without: string[] = [];
  for (const method of methodsOf(Podherd)) {
    const params = withTraceContext(method, {}, context);
    // The codec refuses what the schema does not have.
    expect(() => encodeStruct(method.params, params as never, method.methodName)).not.toThrow();
    if (!JSON.stringify(params).includes('traceparent')) without.push(method.methodName);
  }
  expect(without).toEqual(['serverInfo', 'reaperStatus']);
});

test('what is in the params stays', () => {
  const create = Podherd.methods.create;
  const own = { key: 'own', value: '1' };
  const params = { request: { labels: [own], container: { id: 'web', metadata: [own] } } };
  expect(withTraceContext(create, params, () => context)).toEqual({
    request: { labels: [own], container: { id: 'web', metadata: [own, ...entries] } },
  });
  expect(withTraceContext(create, params, () => undefined)).toBe(params);
  expect(withTraceContext(create, params, undefined)).toBe(params);
});
