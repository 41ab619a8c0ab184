/** One of the runtimes that every case is tried with. */
export interface Runtime {
  readonly name: 'runc' | 'crun';
  readonly path: string;
  /** What it says of a command that does not exist. */
  readonly notFound: RegExp;
}

const both: readonly Runtime[] = [
  {
    name: 'runc',
    path: '/usr/sbin/runc',
    notFound: /executable file not found in \$PATH|no such file or directory/,
  },
  { name: 'crun', path: '/usr/bin/crun', notFound: /executable file `[^`]*` not found in \$PATH/ },
];

const wanted = process.env['PODHERD_TEST_RUNTIMES']?.split(',');

/** The real runtimes of the machine, or those of them that are wanted. crun may need `test/support/in-namespace`. */
export const runtimes = both.filter(({ name }) => wanted?.includes(name) ?? true);

/** The specification's version that both accept. */
export const ociVersion = '1.0.2';
