//! One thing that has happened.

use std::time::{Duration, SystemTime};

use crate::container::{ContainerId, ExitState, Labels};

/// Something that has happened to a container.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number: from 1, without holes.
    pub sequence: u64,
    /// When, by the wall clock.
    pub at: SystemTime,
    /// Which container.
    pub container: ContainerId,
    /// What.
    pub what: What,
}

/// What has happened; docs/events.md says when each is emitted.
#[derive(Clone, Debug)]
pub enum What {
    /// The runtime's `create` has succeeded.
    Created {
        /// Of init.
        pid: u32,
        /// As it was created with.
        labels: Labels,
    },
    /// The command runs.
    Started,
    /// The end is published.
    Exited(ExitState),
    /// The kernel killed a process of the container for memory.
    OomKilled,
    /// An exec's command runs.
    ExecStarted {
        /// Its number.
        exec_id: u64,
        /// Of its process.
        pid: u32,
        /// Program and arguments.
        command: Vec<String>,
    },
    /// An exec's command has ended, and its output was taken.
    ExecExited {
        /// Its number.
        exec_id: u64,
        /// How; what it says of logs has no meaning.
        exit: ExitState,
    },
    /// An exec's command could not be started.
    ExecFailed {
        /// Its number.
        exec_id: u64,
        /// `CODE: message`.
        failure: String,
    },
    /// Output was lost on its way to the log.
    LogDropped {
        /// In all, by now.
        dropped_bytes: u64,
        /// Why.
        reason: String,
    },
    /// The rate limit holds the output back, or no longer does.
    HeldBack {
        /// Whether it does now.
        holding: bool,
        /// In all, by now.
        total: Duration,
    },
    /// A client takes part in the streams.
    Attached {
        /// Its number.
        client_id: u64,
        /// The session id of the exec whose streams they are.
        exec_session: Option<String>,
    },
    /// It no longer does.
    Detached {
        /// Its number.
        client_id: u64,
        /// Why.
        reason: Detach,
    },
    /// The container was deleted, or forgotten for newer ones.
    Deleted,
}

/// Why a client no longer takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detach {
    /// It has gone.
    Left,
    /// The output has ended.
    Ended,
    /// It took its output too slowly.
    Behind,
    /// The server ends.
    Shutdown,
}

impl Event {
    /// What it costs to keep, in bytes, roughly.
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.container.as_str().len() + self.what.cost()
    }
}

impl What {
    fn cost(&self) -> usize {
        let of = |text: &str| size_of::<String>() + text.len();
        match self {
            Self::Created { labels, .. } => labels.iter().map(|(key, value)| of(key) + of(value)).sum(),
            Self::ExecStarted { command, .. } => command.iter().map(|word| of(word)).sum(),
            Self::ExecFailed { failure, .. } => failure.len(),
            Self::LogDropped { reason, .. } => reason.len(),
            Self::Attached { exec_session, .. } => exec_session.as_ref().map_or(0, String::len),
            Self::Started
            | Self::Exited(_)
            | Self::OomKilled
            | Self::ExecExited { .. }
            | Self::HeldBack { .. }
            | Self::Detached { .. }
            | Self::Deleted => 0,
        }
    }
}
