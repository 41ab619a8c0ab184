import type { EventPosition } from './events/position.js';
import type { ListContainersParamsInit } from './generated/podherd.js';
import type { CallOptions } from './rpc/deadline.js';
import type { ContainerState, ContainerStatus } from './status.js';

/** Which containers to list; all if nothing is said. */
export interface ListFilter {
  /** Those in one of these states. */
  states?: readonly ContainerState[] | undefined;
  /** Those that have all of these labels: with this value, or (`true`) with any. */
  labels?: Readonly<Record<string, string | true>> | undefined;
}

export interface ListOptions extends ListFilter, CallOptions {}

/** The containers at one moment, and from where on to watch what happens to them. */
export interface Snapshot {
  containers: ContainerStatus[];
  /** Of the first event that is not in this yet. */
  position: EventPosition;
}

/** A filter as the protocol has it. */
export function filterToWire({ states, labels }: ListFilter): ListContainersParamsInit {
  return {
    states,
    labels: Object.entries(labels ?? {}).map(([key, value]) =>
      value === true ? { key, which: 'exists' } : { key, which: 'value', value },
    ),
  };
}

/** Whether a container passes a filter. Servers that are older than filters answer with all containers. */
export function passes({ states, labels }: ListFilter, status: ContainerStatus): boolean {
  if (states !== undefined && states.length > 0 && !states.includes(status.state)) return false;
  return Object.entries(labels ?? {}).every(([key, value]) =>
    value === true ? Object.hasOwn(status.labels, key) : status.labels[key] === value,
  );
}
