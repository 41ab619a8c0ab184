/** Who listens to a signal through this module. One event listener for all of them. */
const groups = new WeakMap<AbortSignal, Group>();

interface Group {
  readonly listeners: Set<() => void>;
  /** The one event listener on the signal. */
  readonly dispatch: () => void;
}

/**
 * Call `listener` when the signal aborts, until the returned function is called. Thousands of calls may
 * share one signal; as event listeners of their own they would be removed in quadratic time, and Node
 * warns on the console from the eleventh on.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const group = groups.get(signal) ?? makeGroup(signal);
  group.listeners.add(listener);
  return () => {
    group.listeners.delete(listener);
    if (group.listeners.size > 0 || groups.get(signal) !== group) return;
    // The last one leaves: nothing of ours stays on the caller's signal.
    signal.removeEventListener('abort', group.dispatch);
    groups.delete(signal);
  };
}

function makeGroup(signal: AbortSignal): Group {
  const listeners = new Set<() => void>();
  const dispatch = (): void => {
    groups.delete(signal);
    for (const each of [...listeners]) each();
  };
  signal.addEventListener('abort', dispatch, { once: true });
  const group = { listeners, dispatch };
  groups.set(signal, group);
  return group;
}
