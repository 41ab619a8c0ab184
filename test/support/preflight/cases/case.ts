/** What of config.json is changed, by JSON pointer. `undefined` removes; the last part `-` appends to a list. */
export type Changes = Readonly<Record<string, unknown>>;

/** A bundle with one thing wrong. */
export interface Case {
  readonly name: string;
  readonly code: string;
  /** A JSON pointer. */
  readonly place: string;
  readonly changes?: Changes;
  /** In place of the whole config.json. */
  readonly text?: string;
  /** The code for runc, where that refuses it for another reason. */
  readonly forRunc?: string;
  /** The one of the two that refuses it; the other runs it. Absent: both do. */
  readonly only?: 'runc' | 'crun';
  /** Warned of: the runtime need not refuse it. */
  readonly warning?: 'runs' | 'depends';
}

export const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
export const without = (kind: string): object[] => namespaces.filter(({ type }) => type !== kind);
export const joining = (kind: string, path: string): object[] =>
  namespaces.map(({ type }) => (type === kind ? { type, path } : { type }));
export const ids = [{ containerID: 0, hostID: 0, size: 1000 }];
export const userNamespace = {
  '/linux/namespaces': [...namespaces, { type: 'user' }],
  '/linux/uidMappings': ids,
  '/linux/gidMappings': ids,
};
export const mounts = '/mounts/-';
export const mountAt = (name: string): string => `/mounts/4${name}`;
export const seccomp = (profile: object): Changes => ({
  '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW', ...profile },
});
export const command = (name: string): Changes => ({ '/process/args/0': name });

export const notFound = (name: string, changes: Changes): Case => ({
  name,
  code: 'COMMAND_NOT_FOUND',
  place: '/process/args/0',
  changes,
});
export const commandCase = (code: string, name: string): Case => ({
  name: `the command ${name}`,
  code,
  place: '/process/args/0',
  changes: command(name),
});
