import { isUnknown } from '../capnp/index.js';
import { parseCodedText } from '../error-from.js';
import { PodherdError } from '../errors.js';
import { exitFromWire, unknownExit } from '../exit-state.js';
import type * as wire from '../generated/podherd.js';
import { mapFromWire, millisecondsOf } from '../status.js';
import { timestampFromWire, timestampOf } from '../timestamp.js';
import type { ContainerEvent, EventCommon } from './event.js';

/** An event as the server sent it; null for a kind that only a newer client knows. */
export function eventFromWire(event: wire.Event, instance: string): ContainerEvent | null {
  const common: EventCommon = {
    sequence: event.sequence,
    instance,
    at: timestampFromWire(event.at) ?? timestampOf(new Date(0)),
    containerId: event.containerId,
  };
  if (isUnknown(event.which)) return null;
  switch (event.which) {
    case 'created': {
      const { pid, labels } = event.created;
      return { ...common, type: 'created', pid, labels: mapFromWire(labels) };
    }
    case 'started':
    case 'oomKilled':
    case 'deleted':
      return { ...common, type: event.which };
    case 'exited': {
      const exit =
        event.exited === undefined ? unknownExit('status-unavailable') : exitFromWire(event.exited);
      return { ...common, type: 'exited', exit };
    }
    case 'execStarted':
      return { ...common, type: 'execStarted', ...event.execStarted };
    case 'execExited': {
      const { execId, exit, failure } = event.execExited;
      return {
        ...common,
        type: 'execExited',
        execId,
        exit: exit === undefined ? null : exitFromWire(exit),
        failure: exit === undefined ? failureFromWire(failure) : null,
      };
    }
    case 'logDropped': {
      const { droppedBytes, reason } = event.logDropped;
      return { ...common, type: 'logDropped', droppedBytes: Number(droppedBytes), reason };
    }
    case 'heldBack': {
      const { holding, totalNanos } = event.heldBack;
      return { ...common, type: 'heldBack', holding, totalMs: millisecondsOf(totalNanos) };
    }
    case 'attached': {
      const { clientId, execSessionId } = event.attached;
      return {
        ...common,
        type: 'attached',
        clientId,
        execSessionId: execSessionId === '' ? null : execSessionId,
      };
    }
    case 'detached': {
      const { clientId, reason } = event.detached;
      return { ...common, type: 'detached', clientId, reason: isUnknown(reason) ? 'left' : reason };
    }
  }
}

/** Why a command could not be started: `CODE: message`. */
function failureFromWire(text: string): PodherdError {
  const coded = parseCodedText(text);
  return coded === null
    ? new PodherdError('SERVER_ERROR', text === '' ? 'the command could not be started' : text)
    : new PodherdError(coded.code, coded.message);
}
