/** A filter of system calls (config-linux.md, Seccomp; seccomp(2)). */
export interface OciSeccomp {
  /** What is done with calls that no rule names. */
  defaultAction: OciSeccompAction;
  /** The error number, for SCMP_ACT_ERRNO and SCMP_ACT_TRACE. */
  defaultErrnoRet?: number | undefined;
  /** Such as "SCMP_ARCH_X86_64". */
  architectures?: string[] | undefined;
  /** Such as "SECCOMP_FILTER_FLAG_LOG". */
  flags?: string[] | undefined;
  /** Socket of the agent that answers SCMP_ACT_NOTIFY. Since 1.1. */
  listenerPath?: string | undefined;
  /** What the agent is told beside. Since 1.1. */
  listenerMetadata?: string | undefined;
  /** The rules. */
  syscalls?: OciSeccompRule[] | undefined;
}

/** What is done with a system call. */
export type OciSeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

/** A rule. */
export interface OciSeccompRule {
  /** Names of system calls. */
  names: string[];
  /** What is done. */
  action: OciSeccompAction;
  /** The error number, for SCMP_ACT_ERRNO and SCMP_ACT_TRACE. */
  errnoRet?: number | undefined;
  /** What the arguments have to be. */
  args?: OciSeccompArg[] | undefined;
}

/** A condition on an argument. */
export interface OciSeccompArg {
  /** Which, from 0. */
  index: number;
  /** What it is compared with. */
  value: number;
  /** A second value, for SCMP_CMP_MASKED_EQ. */
  valueTwo?: number | undefined;
  /** Such as "SCMP_CMP_EQ". */
  op: string;
}
