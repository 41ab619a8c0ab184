/** What terminals have to get back, whichever way podctl ends. */
const undone = new Set<() => void>();

/**
 * Remember how to undo a change of a terminal, for the ends that run no `finally`.
 *
 * @returns undoes it; may be called again
 */
export function restoring(undo: () => void): () => void {
  const once = (): void => {
    if (undone.delete(once)) undo();
  };
  undone.add(once);
  return once;
}

/** Undo all changes of terminals, the last one first. */
export function restoreTerminal(): void {
  for (const undo of [...undone].reverse()) undo();
}

process.on('exit', restoreTerminal);
