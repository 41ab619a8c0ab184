import { type ChildProcess, spawn } from 'node:child_process';

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { fixture } from '../../../test/support/paths.js';

/** The other end of a test's connections; test/fixtures/src/bin/packet-peer.rs says what it can do. */
export class Peer {
  readonly folder = mkdtempSync(join(tmpdir(), 'podherd-node-'));
  readonly path = join(this.folder, 'socket');
  #process: ChildProcess | null = null;

  /** Listen, and do this with every connection. @returns the socket's path */
  async does(...action: string[]): Promise<string> {
    const child = spawn(fixture('packet-peer'), [this.path, ...action], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`the peer ended with ${code}`)));
    });
    return this.path;
  }

  /** Let go of what it holds. */
  release(): void {
    this.#process?.stdin?.write('\n');
  }

  /** End it. */
  async end(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

/** A test with a peer of its own. */
export const test = base.extend<{ peer: Peer }>({
  // The pattern tells vitest that it depends on no other fixture.
  peer: async ({}, use) => {
    const peer = new Peer();
    await use(peer);
    await peer.end();
    rmSync(peer.folder, { recursive: true });
  },
});

/** This process's sockets. */
export function sockets(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        // The descriptor of the listing itself.
        return '';
      }
    })
    .filter((target) => target.startsWith('socket:'));
}
