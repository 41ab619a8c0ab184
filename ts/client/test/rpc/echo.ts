/** A small interface of the tests' own, written down as the generator would. */
import {
  capability,
  CapabilityClient,
  data,
  type InterfaceDescriptor,
  LocalCapability,
  type MethodDescriptor,
  pointerField,
  type StructCodec,
  structCodec,
  dataField,
  text,
  uint16,
  uint32,
} from '../../src/capnp/index.js';
import type { Session } from '../../src/rpc/session.js';
import { SessionCaller } from '../../src/rpc/caller.js';

interface Params {
  text: string;
  bytes: Uint8Array;
  millis: number;
  small: number;
}

interface Results {
  text: string;
  bytes: Uint8Array;
  object: EchoObject | undefined;
}

const params: StructCodec<Params, Partial<Params>> = structCodec({
  name: 'Params',
  typeId: 1n,
  dataWords: 1,
  pointerCount: 2,
  fields: () => ({
    text: pointerField(0, text),
    bytes: pointerField(1, data),
    millis: dataField(0, uint32),
    small: dataField(2, uint16),
  }),
});

const results: StructCodec<
  Results,
  Partial<Omit<Results, 'object'>> & { object?: LocalCapability<Handlers> }
> = structCodec({
  name: 'Results',
  typeId: 2n,
  dataWords: 0,
  pointerCount: 3,
  fields: () => ({
    text: pointerField(0, text),
    bytes: pointerField(1, data),
    object: pointerField(
      2,
      capability(
        () => ECHO,
        () => EchoObject,
      ),
    ),
  }),
});

const method = (
  methodName: string,
  methodId: number,
): MethodDescriptor<Params, Partial<Params>, Results, never> => ({
  interfaceId: 0xabcn,
  interfaceName: 'Echo',
  methodId,
  methodName,
  params,
  results,
  streaming: false,
});

export const METHODS = {
  echo: method('echo', 0),
  sleep: method('sleep', 1),
  fail: method('fail', 2),
  open: method('open', 3),
};

const ECHO: InterfaceDescriptor = { name: 'Echo', typeId: 0xabcn, superclasses: [], methods: METHODS };

export class EchoObject extends CapabilityClient {
  override readonly descriptor = ECHO;
}

type Answer = { text?: string; bytes?: Uint8Array; object?: LocalCapability<Handlers> };
export type Handlers = Record<keyof typeof METHODS, (params: Params) => Answer | Promise<Answer>>;

/** Serves the interface: what it was sent, after a while, an error, an object of its own. */
export function echoServer(overrides: Partial<Handlers> = {}): LocalCapability<never> {
  const handlers: Handlers = {
    echo: ({ text, bytes }) => ({ text, bytes }),
    sleep: async ({ millis, text }) => {
      await new Promise((resolve) => setTimeout(resolve, millis));
      return { text };
    },
    fail: ({ text }) => {
      throw new Error(text);
    },
    open: () => ({ object: new LocalCapability<Handlers>(ECHO, handlers) }),
    ...overrides,
  };
  return new LocalCapability<Handlers>(ECHO, handlers) as never;
}

/** Calls on a session's bootstrap capability. */
export function echoCaller(session: Session): SessionCaller {
  return new SessionCaller(session, session.root);
}
