import type { PodEvent } from '@podherd/client';
import { UsageFailure } from '../failure.js';

/** Which events are shown. Of one key, one value has to fit; of several keys, all. */
export interface EventFilter {
  readonly types: ReadonlySet<string>;
  readonly containers: ReadonlySet<string>;
}

const TYPES: ReadonlySet<string> = new Set<PodEvent['type']>([
  'created',
  'started',
  'exited',
  'oomKilled',
  'execStarted',
  'execExited',
  'logDropped',
  'heldBack',
  'attached',
  'detached',
  'deleted',
  'gap',
]);

const EXAMPLE = `--filter type=exited, --filter container=web; types: ${[...TYPES].join(', ')}`;

/**
 * What `--filter type=…` and `--filter container=…` ask for.
 *
 * @throws UsageFailure
 */
export function parseFilters(texts: readonly string[]): EventFilter {
  const types = new Set<string>();
  const containers = new Set<string>();
  for (const text of texts) {
    const [, key, value = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (key === 'container') containers.add(value);
    else if ((key === 'type' || key === 'event') && TYPES.has(value)) types.add(value);
    else throw new UsageFailure(`${JSON.stringify(text)} is no filter of events`, EXAMPLE);
  }
  return { types, containers };
}

/** Whether an event is shown. That some were lost is always said. */
export function passes({ types, containers }: EventFilter, event: PodEvent): boolean {
  if (event.type === 'gap') return true;
  return (
    (types.size === 0 || types.has(event.type)) &&
    (containers.size === 0 || containers.has(event.containerId))
  );
}
