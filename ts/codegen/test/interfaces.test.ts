/** Generated clients and handlers against each other, through capnp-ts's connection. */

import { afterEach, describe, expect, test } from 'vitest';

import {
  AnyPointer,
  InvalidValueError,
  decodeMessage,
  encodeMessage,
  struct,
  text,
} from '../../client/src/capnp/index.js';
import { connect } from './connection.js';
import type { ShapeInit, StoreHandlers } from './generated/everything.js';
import { Numbers, Open, SinkClient, StoreClient, serveSink, serveStore } from './generated/everything.js';
import * as everything from './generated/everything.js';
import * as base from './generated/base.js';

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
});

function start(handlers: Partial<StoreHandlers>): StoreClient {
  const connection = connect(serveStore(handlers as StoreHandlers));
  close = connection.close;
  return new StoreClient(connection.root);
}

describe('a call', () => {
  test('has its params and results as plain objects', async () => {
    const seen: unknown[] = [];
    const store = start({
      put: (params, context) => {
        seen.push(params, context.method.methodName);
        return { previous: { key: 'k', value: 2n ** 63n } };
      },
    });
    const { previous } = await store.put({ entry: { key: 'k', value: 5 } });
    expect(previous).toEqual({ key: 'k', value: 2n ** 63n });
    expect(seen).toEqual([{ entry: { key: 'k', value: 5n } }, 'put']);
  });

  test('reaches the methods of every superclass', async () => {
    const reasons: string[] = [];
    const store = start({
      name: () => Promise.resolve({ name: 'shop' }),
      shut: ({ reason }) => {
        reasons.push(reason);
      },
    });
    expect(await store.name()).toEqual({ name: 'shop' });
    expect(await store.shut({ reason: 'late' })).toEqual({});
    expect(reasons).toEqual(['late']);
  });

  test('may have a struct of the schema as its params and results', async () => {
    const store = start({ draw: (shape) => ({ name: `${shape.name}!`, which: 'circle', circle: 1 }) });
    const drawn = await store.draw({ name: 'x', which: 'nothing' });
    expect(drawn).toMatchObject({ name: 'x!', which: 'circle', circle: 1 });
  });

  test('may be larger than the buffer that the connection begins with', async () => {
    const store = start({ draw: (shape) => ({ ...shape, name: '' }) as ShapeInit });
    const image = new Uint8Array(1 << 20).map((_, index) => index);
    const drawn = await store.draw({ fill: { which: 'image', image } });
    // `toEqual` takes seconds for a million elements.
    expect(drawn.fill.which === 'image' && Buffer.compare(drawn.fill.image, image)).toBe(0);
  });

  test('with params that the schema does not allow rejects, and sends nothing', async () => {
    let calls = 0;
    const store = start({
      put: () => {
        calls++;
        return {};
      },
    });
    await expect(store.put({ entry: { value: -1 } })).rejects.toThrow(InvalidValueError);
    await expect(store.put({ entry: { value: -1 } })).rejects.toThrow(/^put\.entry\.value: expected/);
    await store.put({});
    expect(calls).toBe(1);
  });

  test('rejects with what the handler throws', async () => {
    const store = start({
      fail: ({ reason }) => {
        throw new Error(reason);
      },
    });
    await expect(store.fail({ reason: 'no luck' })).rejects.toThrow('no luck');
  });

  test('rejects when the handler’s results are not of the schema', async () => {
    const store = start({ put: () => ({ previous: { value: 'x' as never } }) });
    await expect(store.put({})).rejects.toThrow(/^put results\.previous\.value: expected/);
  });

  test('rejects when there is no handler', async () => {
    await expect(start({}).put({})).rejects.toThrow('no handler of Store.put');
  });
});

describe('capabilities', () => {
  test('go both ways, in members and in lists', async () => {
    const chunks: string[] = [];
    const sink = (name: string): ReturnType<typeof serveSink> =>
      serveSink({
        write: ({ chunk }) => {
          chunks.push(`${name}:${Buffer.from(chunk).toString()}`);
        },
        end: () => {
          chunks.push(`${name} end`);
        },
      });
    const handlers: Partial<StoreHandlers> = {
      name: () => ({ name: 'inner' }),
      watch: async ({ sink: main, others }) => {
        expect(main).toBeInstanceOf(SinkClient);
        await main?.write({ chunk: Buffer.from('1') });
        for (const [index, other] of others.entries())
          await other?.write({ chunk: Buffer.from(String(index)) });
        await main?.end();
        return {
          self: serveStore(handlers as StoreHandlers),
          sinks: main === undefined ? [] : [main],
          count: others.length,
        };
      },
    };
    const store = start(handlers);
    const { self, sinks, count } = await store.watch({ sink: sink('a'), others: [sink('b'), sink('c')] });
    expect(count).toBe(2);
    expect(chunks).toEqual(['a:1', 'b:0', 'c:1', 'a end']);
    expect(await self?.name()).toEqual({ name: 'inner' });
    // What came back is our own object again.
    await sinks[0]?.write({ chunk: Buffer.from('2') });
    expect(chunks.at(-1)).toBe('a:2');
  });

  test('that are absent read as undefined', async () => {
    const store = start({
      watch: ({ sink, others }) => {
        expect(sink).toBeUndefined();
        expect(others).toEqual([]);
        return {};
      },
    });
    expect(await store.watch({})).toEqual({ self: undefined, sinks: [], count: 0 });
  });

  test('of another interface are refused', async () => {
    const store = start({ watch: () => ({}) });
    const wrong = serveStore({} as StoreHandlers) as never;
    await expect(store.watch({ sink: wrong })).rejects.toThrow('watch.sink: expected a client of Sink');
  });

  test('of a subtype are accepted where a supertype is asked for', () => {
    expect(serveStore({} as StoreHandlers).descriptor.superclasses).toEqual([base.Named, base.Closable]);
  });

  test('are released when their client is disposed', async () => {
    const store = start({ name: () => ({ name: 'n' }), put: () => ({}) });
    await store.name();
    store[Symbol.dispose]();
    await expect(store.name()).rejects.toThrow('disposed');
  });
});

describe('descriptors', () => {
  test('hold the ids of the schema', () => {
    expect(everything.Sink.methods.write).toMatchObject({
      interfaceId: 0xa1b2c3d4e5f60718n,
      interfaceName: 'Sink',
      methodId: 0,
      methodName: 'write',
      streaming: true,
    });
    expect(everything.Store.methods.draw.params).toBe(everything.Shape);
    expect(everything.Store.methods.put.streaming).toBe(false);
  });

  test('give an object the methods of all its interfaces once', () => {
    const names = serveStore({} as StoreHandlers).entries.map(({ method }) => method.methodName);
    expect(names).toEqual(['name', 'shut', 'put', 'watch', 'draw', 'fail']);
  });
});

test('an AnyPointer is read as the type that its reader names', () => {
  const message = encodeMessage(Open, {
    anything: AnyPointer.of(
      struct(() => Numbers),
      { u8: 7 },
    ),
    box: { content: AnyPointer.of(text, 'inside'), label: 'l' },
  });
  const open = decodeMessage(Open, message);
  expect(open.anything?.read(struct(() => Numbers))?.u8).toBe(7);
  expect(open.box?.content?.read(text)).toBe('inside');
  expect(() => open.anything?.read(text)).toThrow('a struct where a list belongs');
  expect(decodeMessage(Open, encodeMessage(Open, {})).anything).toBeUndefined();
});

test('constants have the values of the schema', () => {
  expect(everything.answer).toBe(42n);
  expect(everything.greeting).toBe('hello');
  expect(everything.primes).toEqual([2, 3, 5]);
  expect(everything.favourite).toBe('deepBlue');
  expect(everything.ratio).toBe(0.25);
  expect(base.origin).toEqual({ x: -1, y: 7 });
});
