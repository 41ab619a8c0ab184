/**
 * A pod in memory, for tests of what uses one: `FakePod` is a `Pod`, without a server, a process or a socket.
 *
 * - `fake-pod.ts`: the class, and how a test tells what happens
 * - `script.ts`: what containers and commands do by themselves
 * - `server.ts`: answers the calls that the client makes, each as a server would; `local-caller.ts` is the way to it
 * - `containers.ts`, `container.ts`, `process.ts`: who there is; `streams.ts`, `log-file.ts`: what they write
 * - `event-store.ts`, `watches.ts`: what happened, and who is told
 * - `wire.ts`: how it reads on the wire; `clock.ts`: the time that things take
 */
export { FakePod } from './fake-pod.js';
export type { FakePodOptions } from './fake-pod.js';
export type { ScriptMatch } from './containers.js';
export type { CommandScript, ContainerScript, FakeEnd, FakeFailure, FakeRequest } from './script.js';
