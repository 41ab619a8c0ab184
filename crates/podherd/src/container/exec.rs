//! Added processes of a container.
//!
//! - `sync` runs a command and answers when it has ended, with its output.
//! - `session` gives its caller the command's streams while it runs.
//! - `run` is what both have in common; `process` the process that it asks the runtime for.
//! - `told` is what watchers of events hear of it.

mod process;
mod run;
mod session;
mod sync;
mod told;

use super::ContainerId;
use crate::error::Error;
use crate::runtime::CgroupManager;

pub use process::{ProcessOptions, Size, User};
pub use session::{ExecSession, ExecSessionRequest, NamedExec, exec_session};
pub use sync::{ExecRequest, ExecResult, exec};

/// A command to run in a container.
#[derive(Debug)]
pub struct ExecSpec {
    /// The container.
    pub id: ContainerId,
    /// Program and arguments.
    pub command: Vec<String>,
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// Environment of the runtime call.
    pub env: Vec<(String, String)>,
    /// What differs from the container's own process. None: nothing is said but the command, and the rest is as the
    /// runtime sees fit (crun begins in `/`, as root).
    pub process: Option<ProcessOptions>,
    /// Who made the container's cgroup.
    pub cgroup_manager: CgroupManager,
}

/// Whether this is an exec's failure to start its command, as opposed to one of the request.
pub fn could_not_start(error: &Error) -> bool {
    use crate::error::Code::*;
    matches!(
        error.code,
        CommandNotFound
            | CommandNotExecutable
            | RuntimeFailed
            | RuntimeKilled
            | RuntimeTimeout
            | RuntimeUnavailable
            | PidFileInvalid
            | ConsoleFailed
    )
}
