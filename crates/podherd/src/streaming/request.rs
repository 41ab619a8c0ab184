//! What a caller asked a session for, kept until somebody comes with its token.

use std::path::PathBuf;

use crate::container::ContainerId;
use crate::runtime::CgroupManager;

/// A session that was asked for.
#[derive(Clone, Debug)]
pub enum Request {
    /// A command in a container.
    Exec(ExecStreams),
    /// The streams of a container's init.
    Attach(AttachStreams),
    /// Connections into the network namespace at this path.
    PortForward(PathBuf),
}

/// A command, and which of its streams are wanted.
#[derive(Clone, Debug)]
pub struct ExecStreams {
    /// The container.
    pub id: ContainerId,
    /// Program and arguments.
    pub command: Vec<String>,
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// The streams.
    pub streams: Streams,
    /// Who made the container's cgroup.
    pub cgroup_manager: CgroupManager,
}

/// A container, and which of its streams are wanted.
#[derive(Clone, Debug)]
pub struct AttachStreams {
    /// The container.
    pub id: ContainerId,
    /// The streams.
    pub streams: Streams,
}

/// Which streams a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// What the client sends reaches the process.
    pub stdin: bool,
    /// Standard output; of a terminal, all output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

/// The kinds of sessions; each has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `/exec/TOKEN`
    Exec,
    /// `/attach/TOKEN`
    Attach,
    /// `/port-forward/TOKEN`
    PortForward,
}

impl Request {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Exec(_) => Kind::Exec,
            Self::Attach(_) => Kind::Attach,
            Self::PortForward(_) => Kind::PortForward,
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exec, Self::Attach, Self::PortForward];

    /// The first part of its URLs' path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Attach => "attach",
            Self::PortForward => "port-forward",
        }
    }
}
