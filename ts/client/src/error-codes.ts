/**
 * Codes that the server answers with, as the first word of an exception's reason: cause, and what to do. The same is in
 * docs/errors.md.
 */
export const SERVER_ERROR_CODES = [
  /**
   * A parameter is missing, of the wrong type or out of range; the message names it. Most are found by the
   * client before anything is sent. Correct the call.
   */
  'INVALID_ARGUMENT',
  /**
   * The runtimes would refuse this container id: it becomes a file name. Use letters, digits, `_`, `+`, `-`
   * and `.`, not beginning with `-`.
   */
  'INVALID_ID',
  /**
   * A container of this id exists, on this server or in the runtime's root directory, made by whomever.
   * Nothing of it was touched. Choose another id, or delete that container first.
   */
  'ID_IN_USE',
  /**
   * No container of this id is known; ended ones are forgotten after `delete`, or when too many are kept.
   * Check the id; list the containers.
   */
  'CONTAINER_NOT_FOUND',
  /** The call needs a running container; this one has ended, or was not started. Ask for its status. */
  'CONTAINER_NOT_RUNNING',
  /**
   * `start` of a container that is not in the state `created`, because it was started before. Nothing: it
   * was started.
   */
  'CONTAINER_NOT_CREATED',
  /** `delete` without `force` of a container that has not ended. Wait for its end, or set `force`. */
  'CONTAINER_ALIVE',
  /** Resize of a container without a terminal. Create it with `terminal`. */
  'NO_TERMINAL',
  /**
   * A slot of the fd socket has no descriptor: it was taken by an earlier create (one that failed too), or
   * closed with the connection that sent it. No slot of this call was taken. Send the descriptor again, and
   * keep the connection open until the call has its answer.
   */
  'FD_SLOT_UNKNOWN',
  /** No exec of this session id runs in the container. It has ended, or the id is another's. */
  'EXEC_SESSION_NOT_FOUND',
  /** A signal or a resize for an exec whose process has ended. Wait for its exit state. */
  'EXEC_ENDED',
  /**
   * A write to an input that is closed: it was ended, the process has closed it or ended, or the session is
   * over. Stop writing; ask how the process ended.
   */
  'STDIN_CLOSED',
  /**
   * A sink of the caller's answered a write with an error, which the message has. The session is over, and
   * an exec is killed. Correct the sink.
   */
  'SINK_FAILED',
  /**
   * The attach socket can't be made: its directory is missing, or its path belongs to something else.
   * Correct the path.
   */
  'ATTACH_SOCKET_UNUSABLE',
  /**
   * A client of a container's or exec's live output did not take it, and was disconnected (`--attach-behind-
   * bytes`, 1 MiB). In the server's log, and as the reason of a WebSocket's close. Read faster, or attach
   * again.
   */
  'ATTACH_CLIENT_BEHIND',
  /**
   * The bundle is missing or unreadable, or its `config.json` is not one of the OCI runtime specification.
   * Correct the bundle; the message names the file.
   */
  'BUNDLE_INVALID',
  /**
   * The checks before a create with `preflight: 'enforce'` have found errors; the message lists them
   * ([preflight.md](preflight.md)). Nothing was spawned. Correct the bundle.
   */
  'PREFLIGHT_FAILED',
  /**
   * The checks of a bundle did not come to their end: no answer within `--runtime-timeout`, or their process
   * was killed. Nothing was spawned. Look at the disks that the bundle and its mounts are on, and at the
   * memory of the host.
   */
  'PREFLIGHT_INCOMPLETE',
  /** The runtime's binary is missing or can't be executed. Install it, or correct its path. */
  'RUNTIME_UNAVAILABLE',
  /**
   * The runtime ended with an error, whose own text is the message. What it left behind was undone. Depends
   * on that text.
   */
  'RUNTIME_FAILED',
  /**
   * A signal ended the runtime. What it left behind was undone. Look for who sent it: often the kernel, for
   * memory.
   */
  'RUNTIME_KILLED',
  /**
   * The runtime did not end in time (`--runtime-timeout`, 120 s) and was killed with all that came of it.
   * Look at the disk and the load of the host, then try again.
   */
  'RUNTIME_TIMEOUT',
  /** The command of a container or of an exec does not exist in its root file system. Correct the command. */
  'COMMAND_NOT_FOUND',
  /** The command exists and has no right to be executed, or is no program. Correct the file. */
  'COMMAND_NOT_EXECUTABLE',
  /**
   * The runtime handed no terminal over (`--console-timeout`, 10 s). Check that `config.json` asks for a
   * terminal as the call does.
   */
  'CONSOLE_FAILED',
  /** The runtime succeeded and left no usable pid file. Update the runtime. */
  'PID_FILE_INVALID',
  /**
   * A log file can't be opened, or systemd-journald does not listen. Check the directory, its rights and the
   * space on its disk; for journald, that its socket is visible to the server.
   */
  'LOG_UNAVAILABLE',
  /**
   * The pod has its namespaces, with other kinds, other mappings, or below another base path. They are as
   * they were. Ask as at the first time, or start a new server.
   */
  'NAMESPACES_DIFFER',
  /**
   * At a path of the pod's namespaces there is something that this server has not made and no dead one has
   * left; the message names it. It was not touched. Choose another pod id or base path, or remove it.
   */
  'NAMESPACES_IN_USE',
  /**
   * The namespaces could not be made, and what was made of them is undone: the base path can't be written,
   * the kernel refuses a map, a limit on namespaces is reached. In the server's log: the process that holds
   * them was killed. The message says what failed.
   */
  'NAMESPACES_FAILED',
  /** The server can't use its runtime directory. Check the directory and its rights. */
  'RUNTIME_DIR_UNUSABLE',
  /** No descriptors, processes or memory are left. Raise the limit, or wait. */
  'RESOURCES_EXHAUSTED',
  /** Another server owns the runtime directory. Connect to it, or end it first. */
  'SERVER_RUNNING',
  /** The server is ending and takes no new work. Start a new server. */
  'SHUTTING_DOWN',
  /**
   * What came on the connection is no message, is too large for one (`--message-bytes`, 64 MiB), or did not
   * come to its end (`--message-timeout`, 10 s). The connection is closed; the server's log has the reason.
   * Send less in one call; report it if it was the client of this project.
   */
  'BAD_MESSAGE',
  /** A bound on concurrent work is reached. Wait and try again. */
  'OVERLOADED',
  /**
   * This server does not have what was asked for: it is older, or speaks conmon-rs's protocol only. Update
   * the server, or do without.
   */
  'UNIMPLEMENTED',
  /** The caller gave the call up, so that the server undid it. Seen in the server's log only. Nothing. */
  'CANCELLED',
  /** A fault of the server itself. Report it, with the server's log. */
  'INTERNAL',
] as const;

/** Codes that only the client makes. */
export const CLIENT_ERROR_CODES = [
  /**
   * Your `AbortSignal` ended the call; its reason is the `cause`. The server was told. Nothing; see
   * `outcomeUnknown`.
   */
  'ABORTED',
  /**
   * Attach and descriptors need the package `@podherd/node`, which can't be loaded: it is not installed, or
   * was built for another machine. Install it; the `cause` says more.
   */
  'ADDON_UNAVAILABLE',
  /** The call did not end within `timeoutMs`. The server was told. Give it more time, or ask for the status. */
  'TIMEOUT',
  /**
   * The connection ended: the server ended, or the client was closed. For a call in flight, `outcomeUnknown`
   * is set. Connect anew, then ask for the status.
   */
  'CONNECTION_CLOSED',
  /**
   * Nobody listens at the socket, or you may not connect; the system's error is the `cause`. Check the path
   * and that the server runs.
   */
  'CONNECTION_FAILED',
  /**
   * The server sent what can't be understood, or nothing for 10 s in the middle of a message. The connection
   * is closed, unless only the content of one answer was unreadable. Check that it is a Podherd or conmon-rs
   * server; report it.
   */
  'PROTOCOL_ERROR',
  /**
   * The server's binary was not found, or ended before it listened. The message has what it said; the
   * `cause` has its code. Depends on that text.
   */
  'SERVER_START_FAILED',
  /**
   * The server did not end within 10 s of SIGINT and was killed. Look for containers that it left, and for a
   * disk that hangs.
   */
  'SERVER_STOP_FAILED',
  /**
   * The server answered with an error without a code of this list: one of conmon-rs, or a newer one. Read
   * the message.
   */
  'SERVER_ERROR',
  /**
   * A server of conmon-rs does not tell how a container ended that another client created. Wait for it where
   * it was created.
   */
  'EXIT_UNKNOWN',
] as const;

/** A code that servers answer with. */
export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];
/** A code that only the client makes. */
export type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number];
/** Every code that a PodherdError can carry. */
export type ErrorCode = ServerErrorCode | ClientErrorCode;

const serverCodes: ReadonlySet<string> = new Set(SERVER_ERROR_CODES);

/** Whether `word` is a code that servers answer with. */
export function isServerErrorCode(word: string): word is ServerErrorCode {
  return serverCodes.has(word);
}
