import type { PodEvent } from '@podherd/client';
import { printable } from '../output/text.js';
import { bytes, duration } from '../output/units.js';
import { endText } from '../status-text.js';

/** What an event says beyond its kind, for people. */
export function eventText(event: PodEvent): string {
  switch (event.type) {
    case 'created':
      return `pid ${event.pid}`;
    case 'exited':
      return endText(event.exit);
    case 'execStarted':
      return `exec ${event.execId}, pid ${event.pid}: ${printable(event.command.join(' '))}`;
    case 'execExited': {
      const { exit, failure } = event;
      const how = exit === null ? printable(`${failure?.code}: ${failure?.message}`) : execEnd(exit);
      return `exec ${event.execId}: ${how}`;
    }
    case 'logDropped':
      return `${bytes(event.droppedBytes)} in all: ${printable(event.reason)}`;
    case 'heldBack':
      return `${event.holding ? 'by its rate limit' : 'no more'}; ${duration(event.totalMs)} in all`;
    case 'attached':
      return `client ${event.clientId}${event.execSessionId === null ? '' : `, exec ${printable(event.execSessionId)}`}`;
    case 'detached':
      return `client ${event.clientId}: ${event.reason}`;
    case 'gap':
      return event.reason === 'behind'
        ? `${event.lost} events can not be had any more`
        : 'of another life of the server; what follows is of this one';
    case 'started':
    case 'oomKilled':
    case 'deleted':
      return '';
  }
}

/** What an exit state says of logs holds for containers only. */
function execEnd(exit: Parameters<typeof endText>[0]): string {
  return endText({ ...exit, logComplete: true });
}
