//! The errors that a caller sees: a stable code, and a message that begins with what its reader can
//! act on. On the wire they read `CODE: message`. `docs/errors.md` says of each code what causes it
//! and what to do.

use std::fmt;

use rustix::io::Errno;

/// The closed list of codes. A code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A parameter is not acceptable.
    InvalidArgument,
    /// A container id that the runtimes would refuse.
    InvalidId,
    /// The id belongs to a container already, ours or one that someone else made.
    IdInUse,
    /// No container of this id is known here.
    ContainerNotFound,
    /// The container has ended already, or does not run yet.
    ContainerNotRunning,
    /// Only a container in the state `created` can be started.
    ContainerNotCreated,
    /// The container lives; deleting it needs force.
    ContainerAlive,
    /// The container has no terminal.
    NoTerminal,
    /// No exec of this session id runs in the container.
    ExecSessionNotFound,
    /// The exec's process has ended already.
    ExecEnded,
    /// The input of a process is closed: by an earlier end, by the process, or with its session.
    StdinClosed,
    /// A sink of the caller's answered with an error.
    SinkFailed,
    /// An attach socket can't be made where it was asked for.
    AttachSocketUnusable,
    /// An attach client did not take its output and was disconnected; in the server's log only.
    AttachClientBehind,
    /// A slot of the fd socket has no descriptor.
    FdSlotUnknown,
    /// The bundle is missing, unreadable or not one of the OCI runtime specification.
    BundleInvalid,
    /// The preflight of a create has found errors; nothing was spawned.
    PreflightFailed,
    /// The checks of a bundle could not be made to their end.
    PreflightIncomplete,
    /// The runtime is missing or can't be executed.
    RuntimeUnavailable,
    /// The runtime ended with an error of its own.
    RuntimeFailed,
    /// The runtime was ended by a signal.
    RuntimeKilled,
    /// The runtime did not end in time and was killed.
    RuntimeTimeout,
    /// The command does not exist in the container.
    CommandNotFound,
    /// The command exists and can't be executed.
    CommandNotExecutable,
    /// The runtime handed no terminal over.
    ConsoleFailed,
    /// The runtime succeeded without a usable pid file.
    PidFileInvalid,
    /// A log can't be opened.
    LogUnavailable,
    /// The pod has its namespaces already, and they are not the ones that are asked for.
    NamespacesDiffer,
    /// Where the namespaces would stand there is something that is not this server's.
    NamespacesInUse,
    /// The namespaces can't be made.
    NamespacesFailed,
    /// The server's runtime directory can't be written.
    RuntimeDirUnusable,
    /// Out of descriptors, processes or memory.
    ResourcesExhausted,
    /// The server is ending.
    ShuttingDown,
    /// What came is no message, is too large for one, or does not come to an end.
    BadMessage,
    /// A bound on concurrent work is reached.
    Overloaded,
    /// This server does not have what was asked for.
    Unimplemented,
    /// The caller has gone, so the call was undone.
    Cancelled,
    /// A fault of the server itself.
    Internal,
    /// Another server owns the runtime directory.
    ServerRunning,
}

impl Code {
    /// The code as it is written on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::InvalidId => "INVALID_ID",
            Self::IdInUse => "ID_IN_USE",
            Self::ContainerNotFound => "CONTAINER_NOT_FOUND",
            Self::ContainerNotRunning => "CONTAINER_NOT_RUNNING",
            Self::ContainerNotCreated => "CONTAINER_NOT_CREATED",
            Self::ContainerAlive => "CONTAINER_ALIVE",
            Self::NoTerminal => "NO_TERMINAL",
            Self::ExecSessionNotFound => "EXEC_SESSION_NOT_FOUND",
            Self::ExecEnded => "EXEC_ENDED",
            Self::StdinClosed => "STDIN_CLOSED",
            Self::SinkFailed => "SINK_FAILED",
            Self::AttachSocketUnusable => "ATTACH_SOCKET_UNUSABLE",
            Self::AttachClientBehind => "ATTACH_CLIENT_BEHIND",
            Self::FdSlotUnknown => "FD_SLOT_UNKNOWN",
            Self::BundleInvalid => "BUNDLE_INVALID",
            Self::PreflightFailed => "PREFLIGHT_FAILED",
            Self::PreflightIncomplete => "PREFLIGHT_INCOMPLETE",
            Self::RuntimeUnavailable => "RUNTIME_UNAVAILABLE",
            Self::RuntimeFailed => "RUNTIME_FAILED",
            Self::RuntimeKilled => "RUNTIME_KILLED",
            Self::RuntimeTimeout => "RUNTIME_TIMEOUT",
            Self::CommandNotFound => "COMMAND_NOT_FOUND",
            Self::CommandNotExecutable => "COMMAND_NOT_EXECUTABLE",
            Self::ConsoleFailed => "CONSOLE_FAILED",
            Self::PidFileInvalid => "PID_FILE_INVALID",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
            Self::NamespacesDiffer => "NAMESPACES_DIFFER",
            Self::NamespacesInUse => "NAMESPACES_IN_USE",
            Self::NamespacesFailed => "NAMESPACES_FAILED",
            Self::RuntimeDirUnusable => "RUNTIME_DIR_UNUSABLE",
            Self::ResourcesExhausted => "RESOURCES_EXHAUSTED",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::BadMessage => "BAD_MESSAGE",
            Self::Overloaded => "OVERLOADED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Cancelled => "CANCELLED",
            Self::Internal => "INTERNAL",
            Self::ServerRunning => "SERVER_RUNNING",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, for a caller.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// What kind of failure it is.
    pub code: Code,
    /// What happened to what, and what can be done.
    pub message: String,
}

/// The result of everything that a caller waits for.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// What a failed system call means to a caller; `code` is that of the step that failed.
    pub fn from_io(code: Code, what: impl fmt::Display, error: &std::io::Error) -> Self {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        Self::new(
            errno.map_or(code, |errno| code.or_exhausted(errno)),
            format!("{what}: {error}"),
        )
    }
}

impl Code {
    /// This code, unless the kernel had none left of something: that keeps its own code wherever it strikes.
    pub fn or_exhausted(self, errno: Errno) -> Self {
        if EXHAUSTED.contains(&errno) {
            Self::ResourcesExhausted
        } else {
            self
        }
    }
}

/// Errors that say "none left", whatever call they come from.
const EXHAUSTED: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN];
