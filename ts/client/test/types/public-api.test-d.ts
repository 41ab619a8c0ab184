import { expectTypeOf, test } from 'vitest';
import type { FileHandle } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type {
  AttachSession,
  CallOptions,
  Container,
  ContainerStatus,
  CreateContainerOptions,
  Descriptor,
  ErrorCode,
  EventPosition,
  EventStream,
  Exec,
  ExecResult,
  ExitState,
  Finding,
  LogRecord,
  LogSink,
  PodEvent,
  PodStats,
  StartOptions,
  StoppedStatus,
} from '../../src/index.js';
import { Pod, PodherdError } from '../../src/index.js';

declare const pod: Pod;
declare const container: Container;

test('pods', () => {
  expectTypeOf(Pod.start).parameter(0).toExtend<StartOptions>();
  expectTypeOf(Pod.start).returns.resolves.toEqualTypeOf<Pod>();
  expectTypeOf(Pod.connect).returns.resolves.toEqualTypeOf<Pod>();
  expectTypeOf<Pod>().toExtend<AsyncDisposable>();
  expectTypeOf(pod.closed()).resolves.toEqualTypeOf<PodherdError | undefined>();
  expectTypeOf(pod.createContainer).returns.resolves.toEqualTypeOf<Container>();
  expectTypeOf(pod.get).returns.resolves.toEqualTypeOf<Container>();
  expectTypeOf(pod.list()).resolves.toEqualTypeOf<ContainerStatus[]>();
  // @ts-expect-error a pod is made by start or connect
  new Pod();
});

test('what a wait gives depends on what it waits for', () => {
  expectTypeOf(container.wait()).resolves.toEqualTypeOf<ExitState>();
  expectTypeOf(container.wait({ timeoutMs: 1 })).resolves.toEqualTypeOf<ExitState>();
  expectTypeOf(container.wait({ until: 'exited' })).resolves.toEqualTypeOf<ExitState>();
  expectTypeOf(container.wait({ until: 'running' })).resolves.toEqualTypeOf<ContainerStatus>();
  // @ts-expect-error no such state
  void container.wait({ until: 'paused' });
});

test('every call takes a signal and a timeout', () => {
  expectTypeOf(container.start).parameter(0).toEqualTypeOf<CallOptions | undefined>();
  expectTypeOf(container.exec).parameter(1).exclude<undefined>().toExtend<CallOptions>();
  expectTypeOf(container.kill).parameter(1).exclude<undefined>().toExtend<CallOptions>();
  expectTypeOf(container.delete).parameter(0).exclude<undefined>().toExtend<CallOptions>();
  expectTypeOf<CreateContainerOptions>().toExtend<CallOptions>();
  expectTypeOf<StartOptions>().toExtend<CallOptions>();
});

test('options', () => {
  expectTypeOf<CreateContainerOptions['log']>().toEqualTypeOf<LogSink | readonly LogSink[] | undefined>();
  expectTypeOf<{ path: string }>().toExtend<LogSink>();
  expectTypeOf<{ driver: 'journald' }>().toExtend<LogSink>();
  expectTypeOf<{ driver: 'json' }>().not.toExtend<LogSink>();
  expectTypeOf(container.kill).parameter(0).toEqualTypeOf<NodeJS.Signals | number | undefined>();
  // @ts-expect-error a command is a list, not a line for a shell
  void container.exec('ls -l');
  // @ts-expect-error a container needs an id
  void pod.createContainer({ bundle: '/b' });
});

test('streams, descriptors and URLs', () => {
  expectTypeOf(container.attach).returns.resolves.toEqualTypeOf<AttachSession>();
  expectTypeOf(container.attach).parameter(0).exclude<undefined>().toExtend<CallOptions>();
  expectTypeOf<AttachSession>().toExtend<AsyncDisposable>();
  expectTypeOf<AttachSession['stdin']>().toEqualTypeOf<Writable>();
  expectTypeOf<AttachSession['stdout']>().toEqualTypeOf<Readable>();
  expectTypeOf<ReturnType<AttachSession['closed']>>().resolves.toEqualTypeOf<PodherdError | undefined>();
  expectTypeOf<FileHandle | number>().toExtend<Descriptor>();
  expectTypeOf<CreateContainerOptions['leakFds']>().toEqualTypeOf<readonly Descriptor[] | undefined>();
  expectTypeOf(container.serveExec(['ls'])).resolves.toBeString();
  expectTypeOf(pod.servePortForward('/n')).resolves.toBeString();
});

test('results', () => {
  expectTypeOf(container.exec(['ls'])).resolves.toEqualTypeOf<ExecResult>();
  expectTypeOf<ExecResult['stdout']>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<ExitState['exitCode']>().toEqualTypeOf<number | null>();
  expectTypeOf<PodherdError['code']>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<'ID_IN_USE'>().toExtend<ErrorCode>();
  expectTypeOf<'NO_SUCH_CODE'>().not.toExtend<ErrorCode>();
});

test('events', () => {
  expectTypeOf(pod.events()).toEqualTypeOf<EventStream>();
  expectTypeOf<EventStream>().toExtend<AsyncIterable<PodEvent> & AsyncDisposable>();
  expectTypeOf<EventStream['position']>().toEqualTypeOf<EventPosition>();
  expectTypeOf(pod.snapshot()).resolves.toEqualTypeOf<{
    containers: ContainerStatus[];
    position: EventPosition;
  }>();
  // The type decides what else an event has.
  expectTypeOf<Extract<PodEvent, { type: 'exited' }>['exit']>().toEqualTypeOf<ExitState>();
  expectTypeOf<Extract<PodEvent, { type: 'gap' }>>().not.toHaveProperty('containerId');
  expectTypeOf<Extract<PodEvent, { type: 'execExited' }>['failure']>().toEqualTypeOf<PodherdError | null>();
  // @ts-expect-error no such place
  pod.events({ from: 'beginning' });
});

test('commands, logs, stats and stopping', () => {
  expectTypeOf(container.spawn(['ls'])).resolves.toEqualTypeOf<Exec>();
  expectTypeOf<Exec>().toExtend<AsyncDisposable>();
  expectTypeOf<Exec['stdin']>().toEqualTypeOf<Writable | null>();
  expectTypeOf<Exec['stdout']>().toEqualTypeOf<Readable>();
  expectTypeOf<ReturnType<Exec['wait']>>().resolves.toEqualTypeOf<ExitState>();
  expectTypeOf(container.logs()).toExtend<AsyncIterable<LogRecord>>();
  expectTypeOf(pod.stats()).resolves.toEqualTypeOf<PodStats>();
  expectTypeOf(container.stop()).resolves.toEqualTypeOf<StoppedStatus>();
  expectTypeOf(pod.validateBundle('/b')).resolves.toEqualTypeOf<Finding[]>();
  // @ts-expect-error the signal to be sent is not the AbortSignal
  void container.stop({ signal: 'SIGINT' });
  // @ts-expect-error a label is text, or just there
  void pod.list({ labels: { app: false } });
});
