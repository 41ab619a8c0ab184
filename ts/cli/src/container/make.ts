import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  bindMount,
  Bundle,
  type Container,
  type CreateContainerOptions,
  type LogSink,
  type OciMount,
  type Pod,
} from '@podherd/client';
import { Failure, UsageFailure } from '../failure.js';
import type { Invocation } from '../invocation.js';
import type { MountRequest } from '../parse/mount.js';
import { commandWords, requireTerminal } from './command-line.js';
import { makeFolder, removeFolder } from './folder.js';
import type { ContainerOptions } from './options.js';
import { numericUser } from './user.js';

/** What was asked for on the command line, before anything was made. */
export interface ContainerRequest {
  readonly id: string;
  /** A bundle that is there, or what one is made from. */
  readonly source:
    { readonly bundle: string } | { readonly rootfs: string; readonly args: readonly string[] };
  readonly terminal: boolean;
  readonly stdin: boolean;
}

/**
 * What a command line asks for.
 *
 * @throws UsageFailure
 */
export async function readRequest(
  options: ContainerOptions,
  operands: readonly string[],
  usage: string,
): Promise<ContainerRequest> {
  const id = options.name ?? randomBytes(6).toString('hex');
  const stdin = options.interactive === true;
  const [rootfs, ...rest] = operands;
  if (options.bundle !== undefined) {
    if (rootfs !== undefined)
      throw new UsageFailure('a bundle has its own command', 'leave out --bundle, or ROOTFS');
    const bundle = resolve(options.bundle);
    const terminal = options.tty ?? (await Bundle.open(bundle)).config.process?.terminal === true;
    return { id, source: { bundle }, terminal, stdin };
  }
  if (rootfs === undefined || rootfs === '--') throw new UsageFailure('which root file system?', usage);
  const args = commandWords(rest, usage);
  const terminal = options.tty === true;
  requireTerminal(terminal, stdin);
  return { id, source: { rootfs: await directory(rootfs), args }, terminal, stdin };
}

/** Create the container, with a bundle and a log where none was named. When it fails, both are gone. */
export async function makeContainer<O extends ContainerOptions>(
  invocation: Invocation<O>,
  pod: Pod,
  request: ContainerRequest,
): Promise<Container> {
  const { options } = invocation;
  const folder = await makeFolder(pod.socketPath, request.id);
  try {
    const bundle = await bundleFor(options, request, folder);
    return await pod.createContainer({
      ...invocation.call,
      ...createOptions(invocation, request, bundle, folder),
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

function createOptions<O extends ContainerOptions>(
  { options, output }: Invocation<O>,
  { id, terminal, stdin }: ContainerRequest,
  bundle: string,
  folder: string,
): CreateContainerOptions {
  return {
    id,
    bundle,
    terminal,
    stdin,
    log: logSinks(options, folder),
    labels: options.label === undefined ? undefined : Object.fromEntries(options.label),
    stopSignal: options.stopSignal,
    stopGraceMs: options.stopTimeout,
    rateLimit: options.rateLimit === undefined ? undefined : { bytesPerSecond: options.rateLimit },
    preflight: options.preflight,
    onFindings: (findings) => {
      for (const { severity, code, place, message } of findings)
        output.note(`podctl: ${severity}: ${code}: ${place === '' ? '' : `${place}: `}${message}`);
    },
  };
}

async function bundleFor(
  options: ContainerOptions,
  { id, source, terminal }: ContainerRequest,
  folder: string,
): Promise<string> {
  if ('bundle' in source) return source.bundle;
  const { user, cgroupParent } = options;
  const { rootfs, args } = source;
  const bundle = await Bundle.create({
    path: join(folder, 'bundle'),
    rootfs,
    args,
    terminal,
    env: options.env === undefined ? undefined : Object.fromEntries(options.env),
    cwd: options.workdir,
    user: user === undefined ? undefined : await numericUser(rootfs, user),
    readonly: options.readOnly,
    hostname: options.hostname ?? id.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 63),
    mounts: [...(options.mount ?? []), ...(options.volume ?? [])].map(ociMount),
    memoryBytes: options.memory,
    pidsLimit: options.pidsLimit,
    cpus: options.cpus,
    namespaces: options.network === 'host' ? { network: 'host' } : undefined,
    cgroupsPath: cgroupParent === undefined ? undefined : join(cgroupParent, id),
  });
  return bundle.path;
}

function ociMount(mount: MountRequest): OciMount {
  const { target, readonly } = mount;
  if (mount.type === 'bind') return bindMount(mount.source, target, { readonly });
  const size = mount.sizeBytes === null ? [] : [`size=${mount.sizeBytes}`];
  return {
    destination: target,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', readonly ? 'ro' : 'rw', ...size],
  };
}

function logSinks(options: ContainerOptions, folder: string): LogSink[] {
  const { logDriver: driver, logMaxSize: maxSize, logMaxFiles: maxFiles } = options;
  if (driver === 'none') return [];
  if (driver === 'journald') return [{ driver }];
  return [{ driver, path: options.log ?? join(folder, 'container.log'), maxSize, maxFiles }];
}

async function directory(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) return resolve(path);
  throw new Failure('ROOTFS_NOT_FOUND', `${JSON.stringify(path)} is no directory`, {
    hint: 'the first operand is the root file system of the container; images are not known here',
  });
}
