import type { StructCodec } from './struct.js';

/** What a call needs to know of its method. `P`/`R`: as read, `PI`/`RI`: as written. */
export interface MethodDescriptor<P, PI, R, RI> {
  readonly interfaceId: bigint;
  /** As in the schema: `Podherd`. */
  readonly interfaceName: string;
  /** The method's ordinal. */
  readonly methodId: number;
  readonly methodName: string;
  readonly params: StructCodec<P, PI>;
  readonly results: StructCodec<R, RI>;
  /** Declared `-> stream`: it returns nothing, and its caller may send the next before this one returned. */
  readonly streaming: boolean;
}

/** A method of whatever types, where only its ids and codecs matter. */
export type AnyMethod = MethodDescriptor<unknown, never, unknown, never>;

/** One interface of the schema. */
export interface InterfaceDescriptor {
  readonly name: string;
  readonly typeId: bigint;
  readonly superclasses: readonly InterfaceDescriptor[];
  /** Its own methods, by name, without inherited ones. */
  readonly methods: Readonly<Record<string, AnyMethod>>;
}

export interface CallOptions {
  /** Gives the call up: its promise rejects, and the server is told. */
  readonly signal?: AbortSignal | undefined;
  /** Gives the call up after so many milliseconds. */
  readonly timeoutMillis?: number | undefined;
}

/** One remote object, as generated clients use it. A session implements it; they know no more of one. */
export interface Caller {
  /**
   * Params are checked before anything is sent: the promise rejects with `InvalidValueError` where
   * the schema does not allow them.
   */
  call<P, PI, R, RI>(method: MethodDescriptor<P, PI, R, RI>, params: PI, options?: CallOptions): Promise<R>;
  /** Tell the other side that the object is not needed any more. Calls after it reject. */
  release(): void;
  /** Be told when the object can't be reached any more, because its connection has ended, until the returned function is called. */
  onLost?(listener: () => void): () => void;
}

/** Base of the generated clients. Dispose it to release the object that it stands for. */
export abstract class CapabilityClient {
  abstract readonly descriptor: InterfaceDescriptor;
  readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  [Symbol.dispose](): void {
    this.caller.release();
  }
}

/** What a handler is told of its call besides the params. */
export interface CallContext {
  readonly method: AnyMethod;
}

export interface DispatchEntry {
  readonly method: AnyMethod;
  /** `params` as the method's params codec reads them; gives what its results codec writes. */
  handle(params: unknown, context: CallContext): unknown;
}

/** An object of ours that the other side may call. `H` is the generated handlers' type. */
export class LocalCapability<H> {
  readonly descriptor: InterfaceDescriptor;
  readonly handlers: H;
  /** One for each method, inherited ones included. */
  readonly entries: readonly DispatchEntry[];

  constructor(descriptor: InterfaceDescriptor, handlers: H) {
    this.descriptor = descriptor;
    this.handlers = handlers;
    this.entries = methodsOf(descriptor).map((method) => entry(method, handlers));
  }
}

/** Whether an interface is another one, or extends it. */
export function isSubtype(descriptor: InterfaceDescriptor, of: InterfaceDescriptor): boolean {
  return descriptor.typeId === of.typeId || descriptor.superclasses.some((each) => isSubtype(each, of));
}

/** Every method of an interface, its superclasses' first, each interface once. */
export function methodsOf(descriptor: InterfaceDescriptor, seen = new Set<bigint>()): AnyMethod[] {
  if (seen.has(descriptor.typeId)) return [];
  seen.add(descriptor.typeId);
  const inherited = descriptor.superclasses.flatMap((each) => methodsOf(each, seen));
  return [...inherited, ...Object.values(descriptor.methods)];
}

function entry(method: AnyMethod, handlers: unknown): DispatchEntry {
  return {
    method,
    handle: (params, context) => {
      const handler = (handlers as Record<string, unknown>)[method.methodName];
      if (typeof handler !== 'function')
        throw new Error(`no handler of ${method.interfaceName}.${method.methodName}`);
      return handler.call(handlers, params, context) as unknown;
    },
  };
}
