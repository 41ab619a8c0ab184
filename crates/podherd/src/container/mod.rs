//! Containers and their execs, from create to delete. Nothing here knows of RPC.
//!
//! - [`Pod`] holds what all containers share; [`Store`] the containers.
//! - `selection` says which of them a caller wants to see.
//! - `settings` are what a container is created with and keeps.
//! - `create`, `start`, `exec`, `attach`, `kill`, `stop`, `delete`, `wait` are the phases and what callers ask for.
//! - `launch` is what create and exec have in common: one runtime call that leaves a process.
//! - `publish` are the moments at which states change and watchers of events are told.
//! - `losses` tells watchers of output that the log could not take.
//! - `supervise` accompanies a container from its creation to its published end; `output` is what it writes.
//! - `stats` are figures of those that live.

mod attach;
mod create;
mod delete;
mod exec;
mod id;
mod kill;
mod launch;
mod losses;
mod output;
mod pod;
mod publish;
mod selection;
mod settings;
mod start;
mod state;
mod stats;
mod stop;
mod store;
mod supervise;
mod wait;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use podherd_reaper::Process;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::cgroup::ContainerCgroup;
use crate::error::{Code, Error, Result};
use crate::logs::{ContainerLog, LogError};
use crate::stdio::Stdio;

pub use attach::attach;
pub use create::{CreateRequest, Created, FdSlots, Preflight, create};
pub use delete::{delete, end_and_remove};
pub use exec::{
    ExecRequest, ExecResult, ExecSession, ExecSessionRequest, ExecSpec, NamedExec, ProcessOptions, Size,
    User, could_not_start, exec, exec_session,
};
pub use id::ContainerId;
pub use kill::{KillTarget, check_signal, kill};
pub use output::OutputCount;
pub use pod::{Pod, RuntimeDir};
pub use selection::{LabelSelector, Selection};
pub use settings::{Labels, RateLimit, Settings, Stopping};
pub use start::{notice_start, start};
pub use state::{ExitState, Phase, State, Unknown, shell_code};
pub use stats::{ContainerStats, OutputStats, stats};
pub use stop::{StopRequest, stop};
pub use store::Store;
pub use supervise::Ending;
pub use wait::{LONGEST as LONGEST_WAIT, wait};

/// One container.
pub struct Container {
    /// Its id, unique among those that are kept.
    pub id: ContainerId,
    /// Its bundle's directory.
    pub bundle: PathBuf,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// When its creation began.
    pub created_at: SystemTime,
    /// Order of creation among all containers of this server.
    pub sequence: u64,
    /// Files of its log.
    pub log_paths: Vec<PathBuf>,
    /// What it was created with.
    pub settings: Settings,
    state: watch::Sender<State>,
    /// What there is from its creation to its published end; afterwards it holds no descriptor.
    parts: RefCell<Option<Rc<Parts>>>,
    /// Where its cgroups are, from its creation on.
    cgroup: OnceCell<ContainerCgroup>,
    /// Held by each exec while it runs: the end of init is published after theirs.
    execs: TaskTracker,
    /// Execs whose session has an id, for attach clients; none yet while it is being started.
    exec_sessions: RefCell<HashMap<String, Option<NamedExec>>>,
    /// What is counted of its output.
    pub output: OutputCount,
    /// Taken while `start` runs, so that two callers don't start it twice.
    starting: Cell<bool>,
    /// Whether watchers of events have heard of it.
    announced: Cell<bool>,
}

/// What a created container holds.
struct Parts {
    init: Process,
    /// Shared with the tasks that read its output.
    log: ContainerLog,
    /// Its streams, shared with its attach clients. The input stays open until a client closes it.
    stdio: Stdio,
    /// Descriptors of the caller's, held open for as long as the container lives.
    _leaked: Vec<OwnedFd>,
}

impl Container {
    /// The state now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Where the container is in its life.
    pub fn phase(&self) -> Phase {
        self.state.borrow().phase
    }

    /// Pid of init while it lives.
    pub fn pid(&self) -> Option<u32> {
        self.parts
            .borrow()
            .as_ref()
            .filter(|parts| parts.init.exit().is_none())
            .map(|parts| parts.init.pid())
    }

    /// Execs that run in it.
    pub fn execs(&self) -> usize {
        self.execs.len()
    }

    /// Bytes of output that its log could not take.
    pub fn dropped_log_bytes(&self) -> u64 {
        match self.parts.borrow().as_ref() {
            Some(parts) => parts.log.dropped_bytes(),
            None => self
                .state
                .borrow()
                .exit
                .as_ref()
                .map_or(0, |exit| exit.dropped_log_bytes),
        }
    }

    /// Sets the size of its terminal.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        if !self.terminal {
            return Err(Error::new(
                Code::NoTerminal,
                format!("container {} has no terminal", self.id),
            ));
        }
        let parts = self.living()?;
        let terminal = parts
            .stdio
            .terminal
            .as_ref()
            .ok_or_else(|| self.not_running("has ended"))?;
        terminal.resize(columns, rows).map_err(|error| {
            Error::from_io(
                Code::Internal,
                format!("resizing the terminal of {}", self.id),
                &error,
            )
        })
    }

    /// Opens its log paths anew, after they were renamed.
    pub async fn reopen_log(&self) -> Result<()> {
        let parts = self.parts()?;
        parts.log.reopen().await.map_err(|error| log_unavailable(&error))
    }

    /// The parts of a container whose init lives.
    fn living(&self) -> Result<Rc<Parts>> {
        let parts = self.parts()?;
        match parts.init.exit() {
            None => Ok(parts),
            Some(_) => Err(self.not_running("has ended")),
        }
    }

    fn parts(&self) -> Result<Rc<Parts>> {
        let why = if self.phase() == Phase::Creating {
            "is being created"
        } else {
            "has ended"
        };
        self.parts.borrow().clone().ok_or_else(|| self.not_running(why))
    }

    fn not_running(&self, why: &str) -> Error {
        Error::new(Code::ContainerNotRunning, format!("container {} {why}", self.id))
    }
}

/// What a log that can't be opened means to a caller.
fn log_unavailable(error: &LogError) -> Error {
    Error::new(Code::LogUnavailable.or_exhausted(error.source), error.to_string())
}
