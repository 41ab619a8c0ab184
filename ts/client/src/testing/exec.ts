import { constants } from 'node:os';
import type { Event } from '../generated/podherd.js';
import type { EventStore, Happening } from './event-store.js';
import type { FakeProcess, OutputListener } from './process.js';
import { type CommandScript } from './script.js';

/** A command that runs in a container. */
export class FakeExec {
  readonly id: bigint;
  readonly process: FakeProcess;
  readonly sessionId: string;
  /** Resolves when its end was told: output first. */
  readonly published: Promise<void>;

  constructor(
    { id, containerId, command, sessionId = '' }: ExecPlace,
    process: FakeProcess,
    events: EventStore,
    listener: OutputListener,
  ) {
    this.id = id;
    this.process = process;
    this.sessionId = sessionId;
    process.listeners.add(listener);
    const execStarted = { execId: id, pid: process.pid, command: [...command] };
    events.emit(containerId, { which: 'execStarted', execStarted });
    this.published = process.ended().then((exit) => {
      for (const each of process.listeners) void each.end();
      const happening: Happening = { which: 'execExited', execExited: { execId: id, exit } };
      events.emit(containerId, happening);
    });
  }

  /** Do what a script says. */
  run(script: CommandScript): void {
    this.process.run(script, script.echo === true ? null : (script.afterMs ?? 0));
  }

  /** Its caller has gone. */
  kill(): void {
    this.process.signal(constants.signals.SIGKILL);
  }
}

/** Where and what an exec is. */
export interface ExecPlace {
  readonly id: bigint;
  readonly containerId: Event['containerId'];
  readonly command: readonly string[];
  /** By which `attach` finds it. */
  readonly sessionId?: string;
}
