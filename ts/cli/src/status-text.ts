import type { ContainerStatus, ExitState } from '@podherd/client';
import { printable } from './output/text.js';

/** How a process ended, in a few words. */
export function endText(exit: ExitState): string {
  if (!exit.known) return `unknown (${exit.reason})`;
  const how = exit.signal === null ? `exit ${exit.exitCode}` : `by ${exit.signal}`;
  const more = [
    exit.oomKilled ? 'out of memory' : '',
    exit.coreDumped ? 'core dumped' : '',
    exit.logComplete ? '' : 'log incomplete',
  ].filter((text) => text !== '');
  return more.length === 0 ? how : `${how} (${more.join(', ')})`;
}

/** How a container ended; `-` while it has not. */
export function outcome({ exit }: ContainerStatus): string {
  return exit === null ? '-' : endText(exit);
}

/** Its labels, as they are given on the command line. */
export function labelsText({ labels }: ContainerStatus): string {
  const pairs = Object.entries(labels).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  return pairs.length === 0 ? '-' : printable(pairs.join(','));
}
