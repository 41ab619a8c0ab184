//! What watchers of events are told of one exec.

use std::cell::Cell;

use podherd_reaper::Process;

use crate::container::{ContainerId, ExitState, Pod};
use crate::error::Error;
use crate::events::{Events, What};

/// An exec with its number. Watchers hear of one that was tried, either that its command ran and how it ended, or
/// why it could not be started.
#[derive(Debug)]
pub(super) struct Told {
    events: Events,
    container: ContainerId,
    /// Its number, unique in this server; its cgroup has it in its name.
    pub exec_id: u64,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was tried yet.
    New,
    Tried,
    Started,
}

impl Told {
    /// A new exec in this container.
    pub fn new(pod: &Pod, container: &ContainerId) -> Self {
        Self {
            events: pod.events.clone(),
            container: container.clone(),
            exec_id: pod.exec_id(),
            stage: Cell::new(Stage::New),
        }
    }

    /// The container lives, and the runtime is about to be called.
    pub fn tried(&self) {
        self.stage.set(Stage::Tried);
    }

    /// The command runs.
    pub fn started(&self, pid: u32, command: &[String]) {
        self.stage.set(Stage::Started);
        let started = What::ExecStarted {
            exec_id: self.exec_id,
            pid,
            command: command.to_vec(),
        };
        self.events.emit(&self.container, started);
    }

    /// Everything of it has ended. `process` is the one that ran; `error` says why it could not be started.
    pub fn ended(self, process: Option<&Process>, error: Option<&Error>) {
        let exec_id = self.exec_id;
        let ended = match self.stage.get() {
            Stage::New => return,
            Stage::Tried => What::ExecFailed {
                exec_id,
                failure: error.map_or_else(String::new, Error::to_string),
            },
            Stage::Started => What::ExecExited {
                exec_id,
                exit: match process.and_then(Process::exit) {
                    Some(exit) => ExitState::known(&exit, false, true, 0),
                    None => ExitState::not_known(),
                },
            },
        };
        self.events.emit(&self.container, ended);
    }
}
