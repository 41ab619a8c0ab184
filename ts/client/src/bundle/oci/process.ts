/** The container's first process (config.md, Process). */
export interface OciProcess {
  /** Whether it gets a terminal. Default false. */
  terminal?: boolean | undefined;
  /** The terminal's size at its start. */
  consoleSize?: OciBox | undefined;
  /** Working directory, an absolute path in the container. */
  cwd: string;
  /** `KEY=value`. */
  env?: string[] | undefined;
  /** Program and arguments. The program is looked for in the container's PATH. */
  args?: string[] | undefined;
  /** Who it runs as. Default: root. */
  user?: OciUser | undefined;
  /** Limits of the process (getrlimit(2)). */
  rlimits?: OciRlimit[] | undefined;
  /** Its capabilities (capabilities(7)). */
  capabilities?: OciCapabilities | undefined;
  /** Whether set-user-id programs give it nothing (prctl(2), PR_SET_NO_NEW_PRIVS). */
  noNewPrivileges?: boolean | undefined;
  /** Name of an AppArmor profile. */
  apparmorProfile?: string | undefined;
  /** SELinux label. */
  selinuxLabel?: string | undefined;
  /** -1000 to 1000, how likely the kernel kills it for memory (proc(5)). */
  oomScoreAdj?: number | undefined;
  /** Scheduling policy (sched_setattr(2)). Since 1.1. */
  scheduler?: OciScheduler | undefined;
  /** I/O priority (ioprio_set(2)). Since 1.1. */
  ioPriority?: OciIoPriority | undefined;
  /** CPUs that an exec is bound to. Since 1.2. */
  execCPUAffinity?: OciExecCpuAffinity | undefined;
}

/** A size in characters. */
export interface OciBox {
  /** Rows. */
  height: number;
  /** Columns. */
  width: number;
}

/** Ids of a process (credentials(7)). The specification knows no names. */
export interface OciUser {
  /** User id in the container. */
  uid: number;
  /** Group id in the container. */
  gid: number;
  /** File mode mask (umask(2)). */
  umask?: number | undefined;
  /** Supplementary groups. */
  additionalGids?: number[] | undefined;
}

/** A limit (getrlimit(2)). */
export interface OciRlimit {
  /** Such as "RLIMIT_NOFILE". */
  type: string;
  /** What the process can't raise. */
  hard: number;
  /** What holds. */
  soft: number;
}

/** The five sets of capabilities(7), each with names such as "CAP_KILL". */
export interface OciCapabilities {
  /** What can ever be had. */
  bounding?: string[] | undefined;
  /** What is checked. */
  effective?: string[] | undefined;
  /** What is kept over execve(2) of files that ask for it. */
  inheritable?: string[] | undefined;
  /** What can be made effective. */
  permitted?: string[] | undefined;
  /** What programs without capabilities of their own keep. */
  ambient?: string[] | undefined;
}

/** Scheduling (sched(7), sched_setattr(2)). */
export interface OciScheduler {
  /** Such as "SCHED_BATCH". */
  policy: string;
  /** -20 to 19. */
  nice?: number | undefined;
  /** Of the real-time policies. */
  priority?: number | undefined;
  /** Such as "SCHED_FLAG_RESET_ON_FORK". */
  flags?: string[] | undefined;
  /** Nanoseconds, of SCHED_DEADLINE. */
  runtime?: number | undefined;
  /** Nanoseconds, of SCHED_DEADLINE. */
  deadline?: number | undefined;
  /** Nanoseconds, of SCHED_DEADLINE. */
  period?: number | undefined;
}

/** I/O priority (ioprio_set(2)). */
export interface OciIoPriority {
  /** The class. */
  class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  /** 0 (first) to 7. */
  priority: number;
}

/** CPUs of an exec, as lists such as "0-3,7". */
export interface OciExecCpuAffinity {
  /** Before it is in the container's cgroup. */
  initial?: string | undefined;
  /** Afterwards. */
  final?: string | undefined;
}
