import { CapabilityClient, LocalCapability, isSubtype } from './interface.js';
import type { Caller, InterfaceDescriptor } from './interface.js';
import type { PointerType } from './pointer-types.js';

/** What a member of interface type takes: a client got from the same connection, or an object of ours. */
export type CapabilityInit<C extends CapabilityClient, H> = C | LocalCapability<H>;

/** A capability in a message being written, for the session to export. */
export type CapabilityValue = CapabilityClient | LocalCapability<unknown>;

/** A null pointer reads as undefined. */
export function capability<C extends CapabilityClient, H>(
  descriptor: () => InterfaceDescriptor,
  client: () => new (caller: Caller) => C,
): PointerType<C | undefined, CapabilityInit<C, H>> {
  return {
    kind: 'pointer',
    read: (pointer) => {
      const caller = pointer.capability();
      return caller === undefined ? undefined : new (client())(caller as Caller);
    },
    write: (value, pointer) => {
      const known = value instanceof CapabilityClient || value instanceof LocalCapability;
      if (!known || !isSubtype(value.descriptor, descriptor())) {
        throw pointer.builder.invalid(`a client of ${descriptor().name} or an object that serves it`, value);
      }
      pointer.capability(value);
    },
  };
}
