//! What a caller asks for when it creates a container.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::container::supervise::Ending;
use crate::container::{ContainerId, Settings};
use crate::error::Result;
use crate::fd_socket::FdSocket;
use crate::logs::LogTarget;
use crate::runtime::CgroupManager;

/// A container to be created.
#[derive(Debug)]
pub struct CreateRequest {
    /// The container's id.
    pub id: ContainerId,
    /// Its bundle; absolute.
    pub bundle: PathBuf,
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// Keep its standard input open for attach clients.
    pub stdin: bool,
    /// Its sinks.
    pub logs: Vec<LogTarget>,
    /// What is done when it has ended.
    pub ending: Ending,
    /// Options of the runtime before `create`.
    pub global_args: Vec<String>,
    /// Options of `create`.
    pub command_args: Vec<String>,
    /// Environment of the runtime and of the cleanup command.
    pub env: Vec<(String, String)>,
    /// Who makes its cgroup.
    pub cgroup_manager: CgroupManager,
    /// Descriptors for the runtime and for the container's life.
    pub slots: FdSlots,
    /// What the container keeps.
    pub settings: Settings,
    /// Whether the bundle is checked first.
    pub preflight: Preflight,
}

/// What is done with what is wrong with a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preflight {
    /// It is left to the runtime.
    #[default]
    Off,
    /// The caller is told, and the container is created all the same.
    Warn,
    /// An error refuses the create before anything is spawned for it.
    Enforce,
}

/// Slots of the fd socket. A create takes them as soon as the id is found to be free; from then on they are
/// the create's, and one that fails closes them.
#[derive(Clone, Debug, Default)]
pub struct FdSlots {
    /// They become 3, 4, … of the runtime. For the container to have them too, the runtime has to be told so
    /// (`--preserve-fds`, among the options of `create`).
    pub additional: Vec<u64>,
    /// They are held open until the container's end.
    pub leaked: Vec<u64>,
}

/// What was in them.
#[derive(Debug)]
pub struct Descriptors {
    /// For the runtime.
    pub additional: Vec<OwnedFd>,
    /// For the container's life.
    pub leaked: Vec<OwnedFd>,
}

impl FdSlots {
    /// Takes all of it, or nothing.
    pub fn take(&self, socket: &FdSocket) -> Result<Descriptors> {
        let mut additional = socket.take(&[&self.additional[..], &self.leaked].concat())?;
        let leaked = additional.split_off(self.additional.len());
        Ok(Descriptors { additional, leaked })
    }
}
